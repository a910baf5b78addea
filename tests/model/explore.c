/* Searches every world that the composed machine can reach, breadth first, and prints how many there are. A
 * promise that one of them breaks is told as the shortest story that leads there.
 *
 *   explore [--plant STATE EVENT]     exit 0: all hold; 1: one is broken; 2: it can't be searched */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/model/world.h"
#include "tunnel/tunnel.h"

enum { WORLDS_MAX = 1 << 26, STORY_MAX = 4096, NOBODY = -1 };

static struct world *worlds;
static int32_t *parents; /* who was there before; NOBODY: a beginning */
static int32_t *slots;   /* a hash table of indices, -1 empty */
static size_t count, slot_mask;
static struct {
	int32_t from, to;
} * edges; /* the system's own moves */
static size_t edge_count, edge_size;
static int32_t current;
static bool leads_away; /* from `current` */

static void *grow(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (memory == NULL) {
		fprintf(stderr, "explore: no memory for %zu worlds\n", count);
		exit(2);
	}
	return memory;
}

static uint64_t hash_of(const struct world *world)
{
	const uint8_t *at = (const uint8_t *)world;
	uint64_t hash = 14695981039346656037U; /* FNV-1a */

	for (size_t i = 0; i < sizeof *world; i++)
		hash = (hash ^ at[i]) * 1099511628211U;
	return hash ^ hash >> 29;
}

static int32_t *slot_of(const struct world *world)
{
	size_t at = hash_of(world) & slot_mask;

	while (slots[at] != NOBODY && memcmp(&worlds[slots[at]], world, sizeof *world) != 0)
		at = (at + 1) & slot_mask;
	return &slots[at];
}

static void make_slots(size_t size)
{
	slots = grow(slots, size * sizeof *slots);
	slot_mask = size - 1;
	memset(slots, 0xff, size * sizeof *slots);
	for (size_t i = 0; i < count; i++)
		*slot_of(&worlds[i]) = (int32_t)i;
}

static int32_t add(const struct world *world, int32_t parent)
{
	int32_t *slot = slot_of(world);

	if (*slot != NOBODY)
		return *slot;
	if (count == WORLDS_MAX) {
		fprintf(stderr, "explore: more than %d worlds\n", WORLDS_MAX);
		exit(2);
	}
	if ((count & (count - 1)) == 0) {
		worlds = grow(worlds, 2 * (count + 1) * sizeof *worlds);
		parents = grow(parents, 2 * (count + 1) * sizeof *parents);
	}
	worlds[count] = *world;
	parents[count] = parent;
	*slot = (int32_t)count++;
	if (count * 2 > slot_mask)
		make_slots((slot_mask + 1) * 2);
	return (int32_t)count - 1;
}

static void follow(const struct world *next, const struct move *move, void *unused)
{
	int32_t to = add(next, current);

	(void)unused;
	leads_away |= to != current;
	if (move->cause != CAUSE_SYSTEM)
		return;
	if (edge_count == edge_size) {
		edge_size = 2 * edge_size + 1024;
		edges = grow(edges, edge_size * sizeof *edges);
	}
	edges[edge_count].from = current;
	edges[edge_count++].to = to;
}

/* --- a story: from a beginning to a world */

struct story {
	const struct world *next;
	bool found;
	struct tunnel tunnel; /* with its real times */
	uint64_t now;
};

/* As tests/replay reads it: TIME EVENT... => STATE EFFECT... */
static void print_events(struct story *story, const struct move *move)
{
	char effects[256] = "";
	size_t used = 0;

	if (move->events[0] == TUNNEL_TIMER && story->tunnel.deadline > story->now)
		story->now = story->tunnel.deadline;
	printf("%.3f", (double)story->now / 1000);
	for (size_t i = 0; i < move->event_count; i++) {
		const struct tunnel_cell *cell = tunnel_step(&story->tunnel, move->events[i], story->now, 0);

		printf(" %s%s", cell->why != NULL ? "!" : "", tunnel_event_name(move->events[i]));
		for (size_t j = 0; j < TUNNEL_CELL_EFFECTS; j++) {
			if (cell->effects[j] >= TUNNEL_PICK && cell->effects[j] <= TUNNEL_FORGET)
				text_append(effects, sizeof effects, &used, " %s",
					    tunnel_effect_name(cell->effects[j]));
		}
	}
	printf(" => %s%s\n", tunnel_state_name(story->tunnel.state), effects);
}

static void print_move(const struct world *next, const struct move *move, void *argument)
{
	struct story *story = argument;

	if (story->found || memcmp(next, story->next, sizeof *next) != 0)
		return;
	story->found = true;
	printf("# %s\n", move->text);
	if (move->driver_starts)
		memset(&story->tunnel, 0, sizeof story->tunnel);
	if (move->event_count > 0)
		print_events(story, move);
}

static int print_story(const char *broken, int32_t end)
{
	static int32_t path[STORY_MAX];
	struct story story = {.now = 0};
	size_t length = 0;
	char text[256];

	for (int32_t at = end; at != NOBODY && length < STORY_MAX; at = parents[at])
		path[length++] = at;
	world_print(&worlds[end], text, sizeof text);
	printf("%s\n# %s\n", broken, text);
	while (length-- > 1) {
		story.next = &worlds[path[length - 1]];
		story.found = false;
		world_next(&worlds[path[length]], print_move, &story);
	}
	return 1;
}

static int search(void)
{
	for (current = 0; (size_t)current < count; current++) {
		struct world world = worlds[current];
		const char *broken = world_broken(&world);

		if (broken != NULL)
			return print_story(broken, current);
		leads_away = false;
		world_next(&world, follow, NULL);
		if (!leads_away && !world_ends(&world))
			return print_story("nothing leads away from here", current);
	}
	return 0;
}

/* Backwards from where root's wish is met, along what the system does by itself. */
static int find_stuck(void)
{
	int32_t *first = grow(NULL, (count + 1) * sizeof *first),
		*into = grow(NULL, (edge_count + 1) * sizeof *into),
		*queue = grow(NULL, count * sizeof *queue);
	uint8_t *arrives = grow(NULL, count);
	size_t head = 0, tail = 0;

	memset(first, 0, (count + 1) * sizeof *first);
	for (size_t i = 0; i < edge_count; i++)
		first[edges[i].to + 1]++;
	for (size_t i = 0; i < count; i++)
		first[i + 1] += first[i];
	for (size_t i = 0; i < edge_count; i++)
		into[--first[edges[i].to + 1]] = edges[i].from;
	for (size_t i = 0; i < count; i++) {
		arrives[i] = world_has_arrived(&worlds[i]);
		if (arrives[i])
			queue[tail++] = (int32_t)i;
	}
	while (head < tail) {
		int32_t at = queue[head++];
		int32_t end = (size_t)at + 2 <= count ? first[at + 2] : (int32_t)edge_count;

		for (int32_t i = first[at + 1]; i < end; i++) {
			if (!arrives[into[i]]) {
				arrives[into[i]] = true;
				queue[tail++] = into[i];
			}
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!arrives[i])
			return print_story("stuck: what root wants is never met from here", (int32_t)i);
	}
	free(first), free(into), free(queue), free(arrives);
	return 0;
}

int main(int argc, char **argv)
{
	const char *unseen;
	struct world world;

	if (argc == 4 && strcmp(argv[1], "--plant") == 0 && world_plant(argv[2], argv[3]) == 0)
		printf("planted: %s is ignored in %s\n", argv[3], argv[2]);
	else if (argc != 1)
		return fprintf(stderr, "usage: explore [--plant STATE EVENT]\n"), 2;
	make_slots(1 << 16);
	for (int up = 0; up < 2; up++) {
		world_begin(&world, up != 0);
		(void)add(&world, NOBODY);
	}
	if (search() != 0 || find_stuck() != 0)
		return 1;
	if ((unseen = world_unseen()) != NULL)
		return printf("nothing here makes %s happen: the model lacks a move\n", unseen), 1;
	printf("%zu worlds, %zu moves of the system: never open without a live proof, never stuck\n", count,
	       edge_count);
	return 0;
}
