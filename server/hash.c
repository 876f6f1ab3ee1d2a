/* hash.c: a model in one number. SPDX-License-Identifier: Apache-2.0 */
#include "server/hash.h"

#include <string.h>

/* The shift carries a word's high bits down, which a product does not. Every step can be undone, so
 * that no change of one number leaves the hash as it was. */
uint64_t hash_weights(const struct lstm_model *model)
{
    uint64_t hash = HASH_START;
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++) {
        const struct lstm_tensor tensor = lstm_model_tensor(model, k);
        const size_t n = tensor.shape[0] * (tensor.rank > 1 ? tensor.shape[1] : 1);
        hash = hash_text(hash, tensor.name);
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &tensor.data[i], sizeof bits);
            hash = hash_word(hash, bits);
            hash ^= hash >> 32;
        }
    }
    return hash;
}

uint64_t hash_model(const struct lstm_model *model)
{
    uint64_t hash = hash_weights(model);
    for (size_t k = 0; k < lstm_model_n_layers(model); k++) {
        const struct lstm_layer_info layer = lstm_model_layer(model, k);
        hash = hash_text(hash_text(hash_text(hash, layer.type), layer.name), layer.activation);
        hash = hash_word(hash, layer.units);
    }
    return hash;
}
