/* The file watch port where nobody reports a change. */
#include "os/host/file_watch.h"

struct file_watch *file_watch_open(struct event_base *base, file_watch_cb *changed, void *argument,
				   struct err *e)
{
	(void)base, (void)changed, (void)argument;
	err_set(e, "this system does not report changes of files");
	return NULL;
}

int file_watch_set(struct file_watch *watch, const char *const *paths, size_t count, struct err *e)
{
	(void)watch, (void)paths, (void)count;
	return err_set(e, "this system does not report changes of files");
}

void file_watch_close(struct file_watch *watch)
{
	(void)watch;
}
