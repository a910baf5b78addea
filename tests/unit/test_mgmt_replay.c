/* Recorded management sessions, replayed with every split: always the same events, those on file. */
#include "mgmt_listing.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#define TRANSCRIPTS "openvpn-mgmt/tests/transcripts"
#define EVENTS "openvpn-mgmt/tests/events"

enum { NAME_MAX_ = 128, PATH_MAX_ = 512, SPLITS = 6 };
enum split { WHOLE, BYTES, RANDOM };

/* Sessions that ended with a command unanswered, and why. */
static const struct leftover {
	const char *name;
	const char *why;
} leftovers[] = {
    {"02-management-password", "the third wrong password is answered by closing"},
    {"03c-pkcs11-id-count-in-hold-aborts", "the daemon aborted inside the command"},
    {"15a-tun-device-deleted",
     "two replies are behind a flood of log lines that was cut out of the recording"},
    {"21a-forget-disconnect", "the peer closed right after its last command"},
    {"21b-no-forget-disconnect", "the same"},
};

static int failures; /* counted, so that one run shows every session */

struct replay {
	struct listing listing;
	struct ovm_session *session;
	bool login; /* the next line is the interface's password */
	size_t unanswered;
	char *run; /* daemon bytes that came without a line of ours between them */
	size_t used, size;
	enum split split;
	uint32_t seed;
};

static void on_event(const struct ovm_event *event, void *argument)
{
	struct replay *replay = argument;

	assert_non_null(event->command);
	for (int i = 0; i < OVM_FIELDS; i++)
		assert_non_null(event->field[i]);
	list_event(event, &replay->listing);
	if (event->kind == OVM_PASSWORD_PROMPT)
		replay->login = true;
}

static uint32_t dice(struct replay *replay)
{
	replay->seed = replay->seed * 1664525u + 1013904223u;
	return replay->seed >> 16;
}

static void flush_run(struct replay *replay)
{
	size_t at = 0;

	while (at < replay->used) {
		size_t left = replay->used - at;
		size_t length = replay->split == WHOLE   ? left
				: replay->split == BYTES ? 1
							 : 1 + dice(replay) % 97;

		length = length < left ? length : left;
		assert_int_equal(ovm_feed(replay->session, replay->run + at, length), 0);
		at += length;
	}
	replay->used = 0;
}

static void daemon_line(struct replay *replay, const char *line)
{
	static const char unterminated[] = "  [no newline]";
	const char *mark = strstr(line, unterminated);
	size_t length = mark != NULL ? strlen("ENTER PASSWORD:") : strlen(line);

	if (replay->size - replay->used < length + 2) {
		replay->size = (replay->size + length) * 2 + 4096;
		replay->run = realloc(replay->run, replay->size);
		assert_non_null(replay->run);
	}
	memcpy(replay->run + replay->used, line, length);
	replay->used += length;
	if (mark == NULL) {
		memcpy(replay->run + replay->used, "\r\n", 2);
		replay->used += 2;
	}
}

static void close_session(struct replay *replay)
{
	size_t outstanding;

	if (replay->session == NULL)
		return;
	flush_run(replay);
	outstanding = ovm_outstanding(replay->session);
	replay->unanswered += outstanding;
	list(&replay->listing, "-- end, %zu outstanding\n", outstanding);
	ovm_free(replay->session);
	replay->session = NULL;
	replay->login = false;
}

static void open_session(struct replay *replay)
{
	close_session(replay);
	replay->session = ovm_new(on_event, replay);
	assert_non_null(replay->session);
}

/* What the library must not send but the recording did: only its reply is expected. */
static void send_raw(struct replay *replay, const char *line)
{
	char store[2048];
	const char *words[OVM_WORDS_MAX + 1];
	struct ovm_expected plan;
	int count = lex(line, store, sizeof(store), words);

	list(&replay->listing, "=> %.60s\n", line);
	if (count == 0 || strlen(line) > 1023 + 1000)
		return;
	if (count < 0 || ovm_plan(words, replay->session->version, &plan) != 0)
		plan = (struct ovm_expected){.part = {OVM_ONE}, .parts = 1, .command = "raw"};
	assert_int_equal(ovm_expect(replay->session, &plan), 0);
}

static void take_away(struct replay *replay)
{
	size_t length;

	while (ovm_pending(replay->session, &length) != NULL)
		ovm_sent(replay->session, 1 + dice(replay) % 50);
}

/* `lines` up to END, or NULL if the recording has none. */
static void send_line(struct replay *replay, const char *line, const char *const *lines)
{
	char store[2048];
	const char *words[OVM_WORDS_MAX + 1];
	int count = lex(line, store, sizeof(store), words);
	int rc = -1;

	flush_run(replay);
	if (replay->login) {
		replay->login = false;
		list(&replay->listing, "-> (login)\n");
		assert_int_equal(ovm_login(replay->session, line), 0);
		take_away(replay);
		return;
	}
	if (count > 0)
		rc = lines != NULL ? ovm_command_lines(replay->session, words, lines)
				   : ovm_command(replay->session, words);
	if (rc == 0)
		list(&replay->listing, "-> %s\n", line);
	else
		send_raw(replay, line);
	take_away(replay);
}

/* The contents of b'...' without what the daemon deletes; lines end with \n. */
static void unescape(const char *from, char *to)
{
	char quote = *from++;

	for (; *from != '\0' && *from != quote; from++) {
		unsigned value = (unsigned char)*from;

		if (*from == '\\') {
			from++;
			value = *from == 'n'                   ? '\n'
				: *from == 'r' || *from == 't' ? 1u
							       : (unsigned char)*from;
			if (*from == 'x') {
				char hex[3] = {from[1], from[2], '\0'};

				value = (unsigned)strtoul(hex, NULL, 16);
				from += 2;
			}
		}
		if (value == '\n' || (value >= 0x20 && value != 0x7f))
			*to++ = (char)value;
	}
	*to = '\0';
}

/* A recorded "-> ..." as the lines that were sent, each ended by \n. */
static void sent_lines(const char *item, char *to, size_t size)
{
	int spaces;

	*to = '\0';
	if (strncmp(item, "RAW b", 5) == 0)
		unescape(item + 5, to);
	else if (sscanf(item, "RAW pid + spaces to total %d", &spaces) == 1)
		snprintf(to, size, spaces <= 1023 ? "pid\n" : "\n"); /* longer ones vanish */
	else if (strncmp(item, "RAW ", 4) == 0)
		snprintf(to, size, "overlong\n"); /* the tail of a line over the limit */
	else
		snprintf(to, size, "%.*s\n", (int)strcspn(item, "\r"), item);
}

struct transcript {
	char *store;
	char **item; /* "-> ...", "<- ...", "-- ..." */
	size_t count;
};

static char *whole_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text;
	long size;

	if (file == NULL)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	return text;
}

static void load(const char *path, struct transcript *transcript)
{
	char *save = NULL;

	transcript->count = 0;
	transcript->store = whole_file(path);
	assert_non_null(transcript->store);
	transcript->item = calloc(strlen(transcript->store) / 4 + 1, sizeof(char *));
	assert_non_null(transcript->item);
	for (char *line = strtok_r(transcript->store, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *at = line + strspn(line, " 0123456789.");

		if (at > line && (!strncmp(at, "-> ", 3) || !strncmp(at, "<- ", 3) || !strncmp(at, "-- ", 3)))
			transcript->item[transcript->count++] = at;
	}
}

/* The lines of a block that begins behind `at`, up to END; 0 if it isn't one. */
static size_t block_of(const struct transcript *transcript, size_t at, const char **lines, char *store,
		       size_t size)
{
	for (size_t i = at + 1; i < transcript->count && !strncmp(transcript->item[i], "->", 2); i++) {
		size_t length;

		sent_lines(transcript->item[i] + 3, store, size);
		length = strcspn(store, "\n");
		store[length] = '\0';
		if (strcmp(store, "END") == 0) {
			lines[i - at - 1] = NULL;
			return i - at;
		}
		lines[i - at - 1] = store;
		store += length + 1;
		size -= length + 1;
	}
	return 0;
}

/* Returns how many items behind this one it took with it. */
static size_t our_item(struct replay *replay, const struct transcript *transcript, size_t at)
{
	static char text[8192], block[65536], store[2048];
	static const char *lines[512];
	const char *words[OVM_WORDS_MAX + 1];
	char *save = NULL;
	size_t taken = 0;

	sent_lines(transcript->item[at] + 3, text, sizeof(text));
	if (*text == '\n')
		send_line(replay, "", NULL);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (lex(line, store, sizeof(store), words) > 0 && ovm_takes_lines(words) && !replay->login)
			taken = block_of(transcript, at, lines, block, sizeof(block));
		send_line(replay, line, taken > 0 ? lines : NULL);
	}
	return taken;
}

static void replay_items(struct replay *replay, const struct transcript *transcript)
{
	for (size_t i = 0; i < transcript->count; i++) {
		const char *item = transcript->item[i];

		if (strncmp(item, "-- connected", 12) == 0)
			open_session(replay);
		else if (strncmp(item, "-- EOF", 6) == 0)
			close_session(replay);
		else if (replay->session == NULL)
			continue; /* written to a dead daemon */
		else if (strncmp(item, "<- ", 3) == 0)
			daemon_line(replay, item + 3);
		else if (strncmp(item, "-> ", 3) == 0)
			i += our_item(replay, transcript, i);
	}
	close_session(replay);
}

static void check_leftovers(const char *name, const struct replay *replay)
{
	bool allowed = false;

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
		allowed |= strcmp(name, leftovers[i].name) == 0;
	if ((replay->unanswered != 0) != allowed)
		print_error("%s: %zu unanswered\n", name, replay->unanswered), failures++;
}

static void check_golden(const char *name, const struct replay *replay)
{
	char path[PATH_MAX_];
	char *golden;

	snprintf(path, sizeof(path), EVENTS "/%s.events", name);
	if (getenv("MGMT_WRITE_EVENTS") != NULL) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(replay->listing.text, file);
		assert_int_equal(fclose(file), 0);
	}
	golden = whole_file(path);
	if (golden == NULL || strcmp(golden, replay->listing.text) != 0)
		print_error("%s: other events than in %s\n", name, path), failures++;
	free(golden);
}

static void replay_transcript(const char *name)
{
	struct transcript transcript;
	char path[PATH_MAX_];
	char *first = NULL;

	snprintf(path, sizeof(path), TRANSCRIPTS "/%s.txt", name);
	for (int split = 0; split < SPLITS; split++) {
		struct replay replay = {.split = split < RANDOM ? (enum split)split : RANDOM,
					.seed = (uint32_t)split * 7919u};

		load(path, &transcript);
		replay_items(&replay, &transcript);
		if (split == 0) {
			check_golden(name, &replay);
			check_leftovers(name, &replay);
			first = replay.listing.text;
		} else {
			if (strcmp(first, replay.listing.text) != 0)
				print_error("%s: split %d gives other events\n", name, split), failures++;
			free(replay.listing.text);
		}
		free(replay.run);
		free(transcript.item);
		free(transcript.store);
	}
	free(first);
}

static void test_recorded_sessions(void **state)
{
	DIR *directory = opendir(TRANSCRIPTS);
	const struct dirent *entry;
	int count = 0;

	(void)state;
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		char name[NAME_MAX_];
		size_t length = strlen(entry->d_name);

		if (length < 5 || length >= sizeof(name) || strcmp(entry->d_name + length - 4, ".txt") != 0)
			continue;
		memcpy(name, entry->d_name, length - 4);
		name[length - 4] = '\0';
		replay_transcript(name);
		count++;
	}
	closedir(directory);
	assert_true(count >= 130);
	assert_int_equal(failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded_sessions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
