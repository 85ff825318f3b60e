// SPDX-License-Identifier: GPL-2.0-or-later
// Pictures: limits and initial contents.
#include "gpu/blocks/image.h"

#include <gtest/gtest.h>

namespace {

TEST(Image, StartsBlack)
{
    struct image *image = image_create(3, 2);
    ASSERT_NE(image, nullptr);
    EXPECT_EQ(image->width, 3u);
    EXPECT_EQ(image->height, 2u);
    for (int i = 0; i < 6; i++)
        EXPECT_EQ(image->pixels[i], 0xff000000u);
    image_free(image);
    image_free(nullptr);
}

TEST(Image, RefusesBadSizes)
{
    EXPECT_EQ(image_create(0, 1), nullptr);
    EXPECT_EQ(image_create(1, 0), nullptr);
    EXPECT_EQ(image_create(16385, 1), nullptr);
    EXPECT_EQ(image_create(1, 16385), nullptr);
    struct image *wide = image_create(16384, 1);
    EXPECT_NE(wide, nullptr);
    image_free(wide);
}

} // namespace
