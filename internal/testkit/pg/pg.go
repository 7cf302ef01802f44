// Package pg runs a real PostgreSQL for tests and benchmarks: a cluster of its own in a temporary folder, reached
// by a Unix socket only, with the durability settings of production (fsync and synchronous_commit on).
//
// The cluster needs no TestMain. A supervising shell holds the reading end of a pipe whose other end only this
// process has; when this process ends, in whatever way, the shell stops the server and removes the folder.
package pg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that no PostgreSQL server is installed. Tests must fail on it, not skip.
var ErrMissing = errors.New("no PostgreSQL server found: install the Debian package postgresql")

// superuser owns the clusters made here. It has no password: only the owner of the socket's folder can connect.
const superuser = "kyso"

// Databases have names of their own, so that tests may run in parallel on the shared cluster.
var (
	shared   = sync.OnceValues(func() (*cluster, error) { return start("") })
	sequence atomic.Int64
)

// New makes an empty database for one test on the cluster that all tests of the process share, and returns its
// URL ("postgres://kyso@/name?host=…"), fit for pgx and database/sql alike. The database is dropped, with any
// connection left open, when the test ends.
func New(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	name := "test_" + strconv.FormatInt(sequence.Add(1), 10)
	if err := c.exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return c.url(name)
}

// Start runs a cluster of its own in a new folder inside dir ("" means the system's temporary folder) and returns
// the URL of an empty database in it. stop ends the server and removes the folder; it is safe to call twice.
// As root the server runs as the user postgres, who must be able to reach dir. Socket paths have an upper bound
// of 107 bytes, so dir must be short.
func Start(dir string) (dsn string, stop func() error, err error) {
	c, err := start(dir)
	if err != nil {
		return "", nil, err
	}
	if err := c.exec(context.Background(), "CREATE DATABASE kyso"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("create database: %w", err), c.stop())
	}
	return c.url("kyso"), c.stop, nil
}

// cluster is a running server with the shell that watches over it.
type cluster struct {
	dir  string // holds data/, log and the socket
	stop func() error
}

// supervise makes and starts the cluster in $1 with the binaries in $2, says "ready", and waits for the end of
// its standard input. The data are thrown away, so the stop is immediate.
const supervise = `
cd "$1" || exit 1
"$2/initdb" --pgdata=data --username=` + superuser + ` --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >log 2>&1 &&
"$2/pg_ctl" --pgdata=data --log=log --silent --wait --timeout=60 start \
  --options="-c listen_addresses='' -c unix_socket_directories='$1' -c max_connections=200 -c shared_buffers=64MB" >>log 2>&1 || { cat log; rm -rf "$1"; exit 1; }
echo ready
cat >/dev/null
"$2/pg_ctl" --pgdata=data --silent --mode=immediate stop >>log 2>&1
cd / && rm -rf "$1"
`

func start(parent string) (*cluster, error) {
	// 1. Find the server, and the user to run it: it refuses to run as root.
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	cred, err := serverUser()
	if err != nil {
		return nil, err
	}
	// 2. A folder that belongs to that user.
	if parent != "" {
		if parent, err = filepath.Abs(parent); err != nil {
			return nil, fmt.Errorf("folder for PostgreSQL: %w", err)
		}
	}
	dir, err := os.MkdirTemp(parent, "kyso-pg-")
	if err != nil {
		return nil, fmt.Errorf("folder for PostgreSQL: %w", err)
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, errors.Join(fmt.Errorf("folder for PostgreSQL: %w", err), os.RemoveAll(dir))
		}
	}
	// 3. The supervisor, in a session of its own: an interrupt at the terminal reaches us, our end reaches it.
	c, err := launch(dir, bin, cred)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

func launch(dir, bin string, cred *syscall.Credential) (*cluster, error) {
	cmd := exec.Command("/bin/sh", "-c", supervise, "kyso-pg", dir, bin)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TZ=UTC", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cred}
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	var lines bytes.Buffer
	for r := bufio.NewScanner(io.TeeReader(said, &lines)); ; {
		if !r.Scan() {
			_ = alive.Close()
			return nil, fmt.Errorf("start PostgreSQL in %s: %w: %s", dir, errors.Join(r.Err(), cmd.Wait()), strings.TrimSpace(lines.String()))
		}
		if r.Text() == "ready" {
			break
		}
	}
	stop := sync.OnceValue(func() error {
		_ = alive.Close()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		return os.RemoveAll(dir)
	})
	return &cluster{dir: dir, stop: stop}, nil
}

// url is the address of a database: libpq's URL form with the socket's folder as host.
func (c *cluster) url(database string) string {
	return "postgres://" + superuser + "@/" + database + "?host=" + url.QueryEscape(c.dir)
}

func (c *cluster) exec(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// binaries is the folder of the newest server installed. Debian keeps it off the PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", ErrMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for one from the PATH
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// serverUser is whom to run the server as; nil means as ourselves.
func serverUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
