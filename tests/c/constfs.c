/*
 * The peer of the benches: the least that a FUSE file system can do in C. libfuse's low-level
 * interface, one thread, one constant file of 3 KiB with direct I/O, names and attributes cached by the
 * kernel for an hour.
 *
 *   cc -O2 -o constfs constfs.c $(pkg-config --cflags --libs fuse3)
 *   constfs -f -o ro,fsname=constfs,subtype=constfs MOUNTPOINT
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN 3072
#define FOREVER 3600.0
enum { ROOT = FUSE_ROOT_ID, FILE_INO = 2 };
static const char NAME[] = "secret";
static char content[LEN];

static int attributes(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_uid = getuid();
	st->st_gid = getgid();
	if (ino == ROOT) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
	} else if (ino == FILE_INO) {
		st->st_mode = S_IFREG | 0600;
		st->st_nlink = 1;
		st->st_size = LEN;
	} else {
		return ENOENT;
	}
	return 0;
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = FILE_INO, .attr_timeout = FOREVER, .entry_timeout = FOREVER };

	if (parent != ROOT || strcmp(name, NAME) != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	attributes(FILE_INO, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int err = attributes(ino, &st);

	(void)fi;
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_attr(req, &st, FOREVER);
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	char buf[256];
	struct stat st;
	size_t len;

	(void)ino;
	(void)fi;
	if (off > 0) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	attributes(FILE_INO, &st);
	len = fuse_add_direntry(req, buf, sizeof(buf), NAME, &st, 1);
	fuse_reply_buf(req, buf, len < size ? len : size);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino != FILE_INO) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	if (off >= LEN)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, content + off, size < (size_t)(LEN - off) ? size : (size_t)(LEN - off));
}

static void do_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* No flush: libfuse answers ENOSYS, and the kernel never sends another one. */
static const struct fuse_lowlevel_ops ops = {
	.lookup = do_lookup,
	.getattr = do_getattr,
	.readdir = do_readdir,
	.open = do_open,
	.read = do_read,
	.release = do_release,
};

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	struct fuse_session *se;
	int ret = 1;

	memset(content, 'x', LEN);
	if (fuse_parse_cmdline(&args, &opts) != 0 || !opts.mountpoint)
		return 2;
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!se)
		return 1;
	if (fuse_set_signal_handlers(se) == 0) {
		if (fuse_session_mount(se, opts.mountpoint) == 0) {
			ret = fuse_session_loop(se) != 0;
			fuse_session_unmount(se);
		}
		fuse_remove_signal_handlers(se);
	}
	fuse_session_destroy(se);
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return ret;
}
