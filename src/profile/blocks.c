/* Keys and certificates: decoded, checked, written again. */
#include "profile/blocks.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_BYTES = 48,
	STATIC_KEY_DIGITS = 512,
	STATIC_KEY_LINE = 32,
	LABEL_SIZE = 64,
	FINGERPRINT_MAX = 95
};

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* A line of a text that may hold any bytes; false at its end. */
static bool next_line(const char **at, const char *end, const char **line, size_t *length)
{
	const char *stop;

	if (*at == end)
		return false;
	*line = *at;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	*at = stop == NULL ? end : stop + 1;
	*length = (size_t)((stop == NULL ? end : stop) - *line);
	while (*length > 0 && isspace((unsigned char)(*line)[*length - 1]))
		(*length)--;
	while (*length > 0 && isspace((unsigned char)**line)) {
		(*line)++;
		(*length)--;
	}
	return true;
}

/* Decodes base64, which may have blanks in it; false if it is anything else. */
static bool decode(const char *from, size_t length, struct buffer *to)
{
	uint32_t group = 0;
	size_t digits = 0, padding = 0;

	for (size_t i = 0; i < length; i++) {
		const char *at = from[i] == '\0' ? NULL : strchr(base64, from[i]);
		char bytes[3];

		if (isspace((unsigned char)from[i]))
			continue;
		if (from[i] == '=' && digits % 4 >= 2)
			padding++;
		else if (at == NULL || padding > 0)
			return false;
		group = group << 6 | (uint32_t)(from[i] == '=' ? 0 : at - base64);
		if (++digits % 4 != 0)
			continue;
		bytes[0] = (char)(group >> 16);
		bytes[1] = (char)(group >> 8);
		bytes[2] = (char)group;
		buffer_add(to, bytes, 3 - padding);
	}
	return digits > 0 && digits % 4 == 0;
}

static void encode(const char *from, size_t length, struct buffer *to)
{
	for (size_t i = 0; i < length; i += 3) {
		unsigned char a = (unsigned char)from[i], b = i + 1 < length ? (unsigned char)from[i + 1] : 0,
			      c = i + 2 < length ? (unsigned char)from[i + 2] : 0;
		char digits[4] = {base64[a >> 2], base64[(a & 3) << 4 | b >> 4],
				  i + 1 < length ? base64[(b & 15) << 2 | c >> 6] : '=',
				  i + 2 < length ? base64[c & 63] : '='};

		buffer_add(to, digits, 4);
		if (i % LINE_BYTES == LINE_BYTES - 3 || i + 3 >= length)
			buffer_text(to, "\n");
	}
}

/* Is it one DER sequence, of the length that it states? */
static bool is_sequence(const struct buffer *der)
{
	const unsigned char *at = (const unsigned char *)der->bytes;
	size_t length = 0, head = 2;

	if (der->length < 2 || at[0] != 0x30)
		return false;
	if (at[1] < 0x80) {
		length = at[1];
	} else {
		head += at[1] & 0x7f;
		if (head == 2 || head > 6 || der->length < head)
			return false;
		for (size_t i = 2; i < head; i++)
			length = length << 8 | at[i];
	}
	return length == der->length - head;
}

static bool same(const char *line, size_t length, const char *as)
{
	return strlen(as) == length && memcmp(line, as, length) == 0;
}

/* The label of "-----BEGIN LABEL-----" (or END), or "". */
static void read_label(const char *line, size_t length, const char *verb, char *label)
{
	size_t head = 6 + strlen(verb);

	label[0] = '\0';
	if (length < head + 6 || length - head - 5 >= LABEL_SIZE || memcmp(line, "-----", 5) != 0 ||
	    memcmp(line + 5, verb, strlen(verb)) != 0 || line[head - 1] != ' ' ||
	    memcmp(line + length - 5, "-----", 5) != 0 || memchr(line, '\0', length) != NULL)
		return;
	memcpy(label, line + head, length - head - 5);
	label[length - head - 5] = '\0';
}

static bool accepts_label(enum block_kind kind, const char *label)
{
	static const char *const labels[][5] = {
	    [BLOCK_CERTIFICATES] = {"CERTIFICATE", "X509 CERTIFICATE"},
	    [BLOCK_KEY] = {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
			   "DSA PRIVATE KEY"},
	    [BLOCK_CRL] = {"X509 CRL"},
	    [BLOCK_STATIC_KEY] = {"OpenVPN Static key V1"},
	    [BLOCK_V2_KEY] = {"OpenVPN tls-crypt-v2 client key"},
	};

	for (size_t i = 0; i < 5 && labels[kind][i] != NULL; i++) {
		if (strcmp(labels[kind][i], label) == 0)
			return true;
	}
	return false;
}

static bool rewrite_static_key(const char *body, size_t length, struct buffer *out)
{
	char line[STATIC_KEY_LINE + 1];
	size_t digits = 0;

	for (size_t i = 0; i < length; i++) {
		if (isspace((unsigned char)body[i]))
			continue;
		if (!isxdigit((unsigned char)body[i]) || digits == STATIC_KEY_DIGITS)
			return false;
		line[digits++ % STATIC_KEY_LINE] = (char)tolower((unsigned char)body[i]);
		if (digits % STATIC_KEY_LINE == 0) {
			line[STATIC_KEY_LINE] = '\n';
			buffer_add(out, line, sizeof line);
		}
	}
	wipe(line, sizeof line);
	return digits == STATIC_KEY_DIGITS;
}

/* RFC 1421 headers of an encrypted key: exactly the two that OpenSSL writes. Moves *at past the empty
 * line after them. */
static bool rewrite_headers(const char **at, const char *end, struct buffer *out, bool *encrypted)
{
	const char *start = *at, *line;
	size_t length;

	if (!next_line(at, end, &line, &length) || !same(line, length, "Proc-Type: 4,ENCRYPTED")) {
		*at = start;
		return true;
	}
	buffer_text(out, "Proc-Type: 4,ENCRYPTED\n");
	*encrypted = true;
	if (!next_line(at, end, &line, &length) || length < 12 || length > 80 ||
	    memcmp(line, "DEK-Info: ", 10) != 0)
		return false;
	for (size_t i = 10; i < length; i++) {
		if (!isalnum((unsigned char)line[i]) && line[i] != '-' && line[i] != ',')
			return false;
	}
	buffer_add(out, line, length);
	buffer_text(out, "\n\n");
	return next_line(at, end, &line, &length) && length == 0;
}

/* What stands between BEGIN and END, if the label is wanted. */
static bool rewrite_body(enum block_kind kind, const char *body, const char *end, struct buffer *out,
			 bool *encrypted)
{
	struct buffer der = {0};
	bool headers = false, good;

	if (kind == BLOCK_STATIC_KEY)
		return rewrite_static_key(body, (size_t)(end - body), out);
	if (kind == BLOCK_KEY && !rewrite_headers(&body, end, out, &headers))
		return false;
	/* A key with headers, or one of OpenVPN's own kind, is not DER. */
	good = decode(body, (size_t)(end - body), &der) && !der.failed &&
	       (headers || kind == BLOCK_V2_KEY || is_sequence(&der));
	if (good)
		encode(der.bytes, der.length, out);
	buffer_free(&der);
	*encrypted = *encrypted || headers;
	return good;
}

static int rewrite_pem(enum block_kind kind, const char *at, const char *end, struct buffer *out,
		       bool *encrypted, struct err *e)
{
	char label[LABEL_SIZE], closing[LABEL_SIZE];
	const char *line, *body;
	size_t length, found = 0;

	while (next_line(&at, end, &line, &length)) {
		read_label(line, length, "BEGIN", label);
		if (label[0] == '\0')
			continue;
		for (body = at, closing[0] = '\0'; closing[0] == '\0';) {
			if (!next_line(&at, end, &line, &length))
				return err_set(
				    e, "a PEM block without its END line; instead: the whole file again");
			read_label(line, length, "END", closing);
		}
		if (!accepts_label(kind, label) ||
		    (kind != BLOCK_CERTIFICATES && kind != BLOCK_CRL && found > 0))
			continue;
		buffer_text(out, "-----BEGIN ");
		buffer_text(out, label);
		buffer_text(out, "-----\n");
		if (strcmp(label, closing) != 0 || !rewrite_body(kind, body, line, out, encrypted))
			return err_set(e, "a damaged PEM block; instead: the whole file again");
		buffer_text(out, "-----END ");
		buffer_text(out, label);
		buffer_text(out, "-----\n");
		if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0)
			*encrypted = true;
		found++;
	}
	return found > 0
		   ? 0
		   : err_set(
			 e,
			 "no PEM block of the right kind in it; instead: the file as the provider sent it");
}

static int rewrite_base64(const char *bytes, size_t length, bool binary, struct buffer *out, struct err *e)
{
	struct buffer der = {0};
	bool good = true;

	if (binary)
		buffer_add(&der, bytes, length);
	else
		good = decode(bytes, length, &der);
	good = good && !der.failed && is_sequence(&der);
	if (good)
		encode(der.bytes, der.length, out);
	buffer_free(&der);
	return good ? 0 : err_set(e, binary ? "not a PKCS #12 file" : "not PKCS #12 in base64");
}

static int rewrite_fingerprints(const char *at, const char *end, struct buffer *out, struct err *e)
{
	const char *line;
	size_t length, found = 0;

	while (next_line(&at, end, &line, &length)) {
		if (length == 0 || line[0] == '#' || line[0] == ';')
			continue;
		if (length > FINGERPRINT_MAX)
			return err_set(e,
				       "not a fingerprint; instead: the output of openssl x509 -fingerprint");
		for (size_t i = 0; i < length; i++) {
			if (i % 3 == 2 ? line[i] != ':' : !isxdigit((unsigned char)line[i]))
				return err_set(
				    e, "not a fingerprint; instead: the output of openssl x509 -fingerprint");
		}
		buffer_add(out, line, length);
		buffer_text(out, "\n");
		found++;
	}
	return found > 0 ? 0 : err_set(e, "no fingerprint in it");
}

int block_rewrite(enum block_kind kind, const char *bytes, size_t length, bool binary, struct buffer *out,
		  bool *encrypted, struct err *e)
{
	int result;

	*encrypted = false;
	if (kind == BLOCK_BASE64)
		result = rewrite_base64(bytes, length, binary, out, e);
	else if (kind == BLOCK_FINGERPRINTS)
		result = rewrite_fingerprints(bytes, bytes + length, out, e);
	else
		result = rewrite_pem(kind, bytes, bytes + length, out, encrypted, e);
	return result == 0 && out->failed ? err_set(e, "no memory") : result;
}
