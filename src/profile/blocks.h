/* Keys and certificates: decoded, checked, written again. */
#ifndef PROFILE_BLOCKS_H
#define PROFILE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "profile/buffer.h"
#include "profile/options.h"

/* Writes those parts of `bytes` that are of `kind` to `out`, in one form: PEM or base64
 * in lines of 64, static keys as 16 lines of 32 digits; other text is left out.
 * `binary`: the bytes are a file's, so pkcs12 is not base64 yet. *encrypted: the private
 * key needs a passphrase. 0, or -1 and the reason in `e`. */
int block_rewrite(enum block_kind kind, const char *bytes, size_t length, bool binary, struct buffer *out,
		  bool *encrypted, struct err *e);

#endif
