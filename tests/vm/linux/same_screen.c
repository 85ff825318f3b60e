/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * same_screen PICTURE.png FRAMEBUFFER: compares a screenshot with the XRGB8888 bytes of a framebuffer of the same width, as many rows as there are (at
 * least 16), and says where they differ. Rows of one colour fail: they show nothing.
 */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    png_image image = {.version = PNG_IMAGE_VERSION};

    if (argc != 3 || !png_image_begin_read_from_file(&image, argv[1])) {
        fprintf(stderr, "same_screen: %s\n", argc == 3 ? image.message : "usage: same_screen PICTURE.png FRAMEBUFFER");
        return 2;
    }
    image.format = PNG_FORMAT_BGRA;
    size_t size = PNG_IMAGE_SIZE(image), got = 0;
    unsigned char *picture = malloc(size), *memory = malloc(size + 1);
    FILE *file = fopen(argv[2], "rb");
    if (!picture || !memory || !file || !png_image_finish_read(&image, NULL, picture, 0, NULL)) {
        fprintf(stderr, "same_screen: cannot read %s or %s\n", argv[1], argv[2]);
        return 2;
    }
    got = fread(memory, 1, size + 1, file);
    fclose(file);
    size_t row = (size_t)image.width * 4;
    if (got > size || got < 16 * row || got % row) {
        printf("%s: %zu bytes are not some rows of %ux%u pixels\n", argv[2], got, image.width, image.height);
        return 1;
    }
    size = got;
    size_t different = 0, lit = 0;
    for (size_t i = 0; i < size; i += 4) {
        lit += memcmp(memory + i, memory, 3) != 0;
        if (memcmp(picture + i, memory + i, 3) != 0 && different++ == 0)
            printf("first difference at (%zu, %zu): %02x%02x%02x instead of %02x%02x%02x\n", i / 4 % image.width, i / 4 / image.width, picture[i + 2],
                   picture[i + 1], picture[i], memory[i + 2], memory[i + 1], memory[i]);
    }
    printf("%ux%u, %zu rows compared: %zu pixels differ, %zu are not background\n", image.width, image.height, size / row, different, lit);
    free(picture);
    free(memory);
    return different || !lit;
}
