// SPDX-License-Identifier: GPL-2.0-or-later
// PNG files: what is written reads back as the same pixels.
#include "vmm/png.h"
#include "vmm/error.h"

#include "gpu/blocks/image.h"

#include <gtest/gtest.h>

#include <png.h>
#include <unistd.h>
#include <vector>

namespace {

std::vector<uint32_t> read_back(const char *path, unsigned *width, unsigned *height)
{
    png_image png = {};
    png.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_file(&png, path), 0) << png.message;
    EXPECT_EQ(png.format & (PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_LINEAR), 0u) << "8-bit RGB";
    png.format = PNG_FORMAT_BGRA;
    std::vector<uint32_t> pixels(png.width * png.height);
    EXPECT_NE(png_image_finish_read(&png, nullptr, pixels.data(), 0, nullptr), 0) << png.message;
    *width = png.width;
    *height = png.height;
    return pixels;
}

TEST(Png, RoundTrip)
{
    char path[] = "/tmp/png-test-XXXXXX";
    close(mkstemp(path));
    image *picture = image_create(37, 11); // odd sides show stride mistakes
    for (unsigned i = 0; i < 37 * 11; i++)
        picture->pixels[i] = 0xff000000 | i * 0x010305;
    picture->pixels[3] = 0x00123456; // the top byte does not matter
    GError *error = nullptr;
    ASSERT_TRUE(image_write_png(path, picture, &error)) << error->message;
    unsigned width, height;
    auto pixels = read_back(path, &width, &height);
    EXPECT_EQ(width, 37u);
    EXPECT_EQ(height, 11u);
    picture->pixels[3] |= 0xff000000;
    for (unsigned i = 0; i < 37 * 11; i++)
        ASSERT_EQ(pixels[i], picture->pixels[i]) << i;
    image_free(picture);
    unlink(path);
}

TEST(Png, BadPath)
{
    image *picture = image_create(1, 1);
    GError *error = nullptr;
    EXPECT_FALSE(image_write_png("/nonexistent/dir/x.png", picture, &error));
    EXPECT_EQ(error->domain, VMM_ERROR);
    EXPECT_EQ(std::string(error->message).rfind("/nonexistent/dir/x.png: cannot be written: ", 0), 0u) << error->message;
    g_error_free(error);
    image_free(picture);
}

} // namespace
