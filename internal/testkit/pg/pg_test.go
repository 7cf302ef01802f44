package pg

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestDatabasesOfTwoTestsAreApart(t *testing.T) {
	t.Parallel()
	a, b := connect(t, New(t)), connect(t, New(t))
	if _, err := a.Exec(t.Context(), `CREATE TABLE only_here (id int)`); err != nil {
		t.Fatal(err)
	}
	var seen bool
	if err := b.QueryRow(t.Context(), `SELECT to_regclass('only_here') IS NOT NULL`).Scan(&seen); err != nil || seen {
		t.Fatalf("the other database sees the table: %v, %v", seen, err)
	}
}

// The service refuses to start on a database that may lose what it has confirmed.
func TestServerIsDurableAndSpeaksUTF8(t *testing.T) {
	t.Parallel()
	conn := connect(t, New(t))
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "server_encoding": "UTF8", "listen_addresses": "",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", setting, got, err, want)
		}
	}
}

func TestDatabaseIsDroppedThoughAConnectionStaysOpen(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("user", func(t *testing.T) {
		dsn = New(t)
		// Not closed: a leak in the test of another package.
		if _, err := pgx.Connect(context.Background(), dsn); err != nil {
			t.Fatal(err)
		}
	})
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the database outlived its test")
	}
}

func TestStopEndsServerAndRemovesFolder(t *testing.T) {
	t.Parallel()
	dsn, stop, err := Start("")
	if err != nil {
		t.Fatal(err)
	}
	connect(t, dsn)
	for range 2 {
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Error("the server still answers")
	}
	if dir := folder(t, dsn); exists(dir) {
		t.Errorf("%s was left behind", dir)
	}
}

// A test process that dies without any clean-up must not leave a server behind.
func TestServerEndsWithACrashedProcess(t *testing.T) {
	if os.Getenv("KYSO_PG_CRASH") != "" {
		dsn, _, err := Start("")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("dsn=" + dsn + "\n")
		_ = os.Stdout.Sync()
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithACrashedProcess$")
	cmd.Env = append(os.Environ(), "KYSO_PG_CRASH=1")
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("the child was to be killed")
	}
	_, dsn, ok := strings.Cut(strings.TrimSpace(string(out)), "dsn=")
	if !ok {
		t.Fatalf("the child said %q", out)
	}
	dir, deadline := folder(t, dsn), time.Now().Add(30*time.Second)
	for exists(dir) {
		if time.Now().After(deadline) {
			t.Fatalf("%s was left behind", dir)
		}
		time.Sleep(20 * time.Millisecond) // another process: nothing to wait on
	}
}

func folder(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

func exists(dir string) bool {
	_, err := fs.Stat(os.DirFS("/"), strings.TrimPrefix(dir, "/"))
	return err == nil
}
