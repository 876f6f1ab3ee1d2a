/* image_distort.c: random rotation, zoom and shift of grey images.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each pixel of the result is looked up where the inverse of the mapping puts it. */
#include <math.h>

#include "core/lstm.h"

static double uniform_between(struct lstm_random *random, double low, double high)
{
    return low + (high - low) * lstm_random_uniform(random);
}

/* The pixel at (x, y), 0 outside the image. */
static double pixel(const uint8_t *image, double height, double width, double x, double y)
{
    if (x < 0 || y < 0 || x >= width || y >= height)
        return 0;
    return image[(size_t)y * (size_t)width + (size_t)x];
}

static uint8_t sample(const uint8_t *image, size_t height, size_t width, double x, double y)
{
    double h = (double)height, w = (double)width;
    double left = floor(x), top = floor(y);
    double u = x - left, v = y - top;
    double upper = (1 - u) * pixel(image, h, w, left, top) + u * pixel(image, h, w, left + 1, top);
    double lower =
        (1 - u) * pixel(image, h, w, left, top + 1) + u * pixel(image, h, w, left + 1, top + 1);
    return (uint8_t)((1 - v) * upper + v * lower + 0.5);
}

void lstm_image_distort(const uint8_t *image, size_t height, size_t width,
                        const struct lstm_distortion *limits, struct lstm_random *random,
                        uint8_t *out)
{
    static const double radians_per_degree = 3.14159265358979323846 / 180;
    double angle =
        uniform_between(random, -limits->max_degrees, limits->max_degrees) * radians_per_degree;
    double scale = uniform_between(random, limits->min_scale, limits->max_scale);
    double shift_x = uniform_between(random, -limits->max_shift, limits->max_shift);
    double shift_y = uniform_between(random, -limits->max_shift, limits->max_shift);
    double c = cos(angle) / scale, s = sin(angle) / scale;
    double middle_x = ((double)width - 1) / 2, middle_y = ((double)height - 1) / 2;
    for (size_t row = 0; row < height; row++) {
        double v = (double)row - middle_y - shift_y;
        for (size_t column = 0; column < width; column++) {
            double u = (double)column - middle_x - shift_x;
            *out++ =
                sample(image, height, width, middle_x + c * u + s * v, middle_y - s * u + c * v);
        }
    }
}
