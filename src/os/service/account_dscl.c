/* The account port on macOS: records of the local directory, by dscl(1). */
#include "os/service/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/process/tool.h"
#include "os/process/tool_paths.h"
#include "os/service/account_dscl_list.h"

/* Below 500 is hidden from the login window; Apple's own begin at 0, packages' around 300. */
enum { HIGHEST = 499, LOWEST = 401, LISTING_SIZE = 256 * 1024, PATIENCE = 10000 };

static char users[LISTING_SIZE], groups[LISTING_SIZE];

/* One attribute of a record; NULL: the record itself, without any. */
struct attribute {
	const char *key, *value;
};

static int list(const char *what, const char *key, char *listing, struct err *e)
{
	const char *const argv[] = {tool_path(TOOL_DSCL), ".", "-list", what, key, NULL};

	return tool_output(argv, NULL, PATIENCE, listing, LISTING_SIZE, e);
}

/* A listing that has root, as every Mac does, and its last line's end. */
static bool is_whole(const char *listing)
{
	return !dscl_is_free(listing, 0) && listing[strlen(listing) - 1] == '\n';
}

static int read_both_lists(struct err *e)
{
	if (list("/Users", "UniqueID", users, e) == -1 || list("/Groups", "PrimaryGroupID", groups, e) == -1)
		return -1;
	return is_whole(users) && is_whole(groups)
		   ? 0
		   : err_set(e, "dscl's list of users and groups lacks root, or is incomplete; instead: see "
				"`dscl . -list /Users UniqueID`");
}

/* As user and as group, so that both may have it. */
static int free_number(char *to, size_t size, struct err *e)
{
	for (int64_t number = HIGHEST; number >= LOWEST; number--) {
		if (dscl_is_free(users, number) && dscl_is_free(groups, number)) {
			snprintf(to, size, "%" PRId64, number);
			return 0;
		}
	}
	return err_set(e,
		       "no number from %d to %d is free for a user; instead: create " ACCOUNT_DRIVER
		       " and " ACCOUNT_OPENVPN " manually",
		       LOWEST, HIGHEST);
}

/* The last attribute is the number: without it the record does not count, so a
 * torn creation is done again. */
static int create(const char *record, const struct attribute *attributes, struct err *e)
{
	for (; attributes->value != NULL; attributes++) {
		const char *const argv[] = {tool_path(TOOL_DSCL), ".", "-create", record, attributes->key,
					    attributes->value,    NULL};

		if (tool_run(argv, NULL, PATIENCE, e) == -1)
			return -1;
	}
	return 0;
}

static int ensure_group(const char *record, const char *name, const char *about, char *number, size_t size,
			struct err *e)
{
	int64_t there;

	if (dscl_number_of(groups, name, &there) == 0) {
		snprintf(number, size, "%" PRId64, there);
		return 0;
	}
	if (free_number(number, size, e) == -1)
		return -1;
	return create(record,
		      (const struct attribute[]){
			  {"Password", "*"}, {"RealName", about}, {"PrimaryGroupID", number}, {NULL, NULL}},
		      e);
}

static int ensure_user(const char *record, const char *name, const char *about, const char *group,
		       struct err *e)
{
	char number[24];
	int64_t there;

	if (dscl_number_of(users, name, &there) == 0)
		return 0;
	/* Its group's number, unless that is an older group's and the number is another user's. */
	snprintf(number, sizeof number, "%s", group);
	if (sscanf(group, "%" SCNd64, &there) != 1 || !dscl_is_free(users, there)) {
		if (free_number(number, sizeof number, e) == -1)
			return -1;
	}
	return create(record,
		      (const struct attribute[]){{"Password", "*"},
						 {"RealName", about},
						 {"NFSHomeDirectory", "/var/empty"},
						 {"UserShell", "/usr/bin/false"},
						 {"IsHidden", "1"},
						 {"PrimaryGroupID", group},
						 {"UniqueID", number},
						 {NULL, NULL}},
		      e);
}

/* Listed again after each: a number that was free is taken now. */
static int ensure_one(const char *name, const char *about, struct err *e)
{
	char group[24], user_record[64], group_record[64];

	snprintf(user_record, sizeof user_record, "/Users/%s", name);
	snprintf(group_record, sizeof group_record, "/Groups/%s", name);
	if (read_both_lists(e) == -1 || ensure_group(group_record, name, about, group, sizeof group, e) == -1)
		return -1;
	return read_both_lists(e) == -1 ? -1 : ensure_user(user_record, name, about, group, e);
}

int account_ensure(struct err *e)
{
	if (ensure_one(ACCOUNT_DRIVER, "Portcullis driver", e) == -1)
		return -1;
	return ensure_one(ACCOUNT_OPENVPN, "OpenVPN behind Portcullis", e);
}

static int delete_record(const char *listing, const char *name, const char *folder, struct err *e)
{
	char record[64];
	const char *const argv[] = {tool_path(TOOL_DSCL), ".", "-delete", record, NULL};
	int64_t there;

	snprintf(record, sizeof record, "%s/%s", folder, name);
	return dscl_number_of(listing, name, &there) == -1 ? 0 : tool_run(argv, NULL, PATIENCE, e);
}

static int remove_records(const char *name, struct err *e)
{
	if (delete_record(users, name, "/Users", e) == -1)
		return -1;
	return delete_record(groups, name, "/Groups", e);
}

int account_remove(struct err *e)
{
	if (read_both_lists(e) == -1 || remove_records(ACCOUNT_DRIVER, e) == -1)
		return -1;
	return remove_records(ACCOUNT_OPENVPN, e);
}
