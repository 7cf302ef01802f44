package job_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/pg"
)

// childDSN makes this program a service that is going to be killed in the middle of a job.
const childDSN = "KYSO_TEST_JOB_CHILD"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		fmt.Fprintln(os.Stderr, serve(dsn))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

type taskArgs struct {
	Name string `json:"name"`
}

func (taskArgs) Kind() string { return "test.task" }

func open(ctx context.Context, dsn string) (*store.Store, error) {
	return store.Open(ctx, store.Options{DSN: dsn, DataKey: bytes.Repeat([]byte{1}, 32), IndexKey: bytes.Repeat([]byte{2}, 32)})
}

func client(s *store.Store, work func(context.Context, *river.Job[taskArgs]) error) (*job.Client, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(work))
	c, err := job.NewClient(s.JobDriver(), workers, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	c.Hurry(50*time.Millisecond, 500*time.Millisecond)
	c.Watch(s)
	s.UseJobs(c)
	return c, nil
}

// serve says which job it works and never ends it.
func serve(dsn string) error {
	ctx := context.Background()
	s, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	c, err := client(s, func(_ context.Context, j *river.Job[taskArgs]) error {
		fmt.Println("working", j.Args.Name)
		select {}
	})
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	select {}
}

func each(t *testing.T, f func(t *testing.T, dsn string, s *store.Store)) {
	t.Helper()
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "kyso.db") },
		"postgres": func() string { return pg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := dsn()
			s, err := open(t.Context(), dsn)
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			must(t, s.Migrate(t.Context()))
			f(t, dsn, s)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add enqueues as a fact would.
func add(t *testing.T, s *store.Store, c *job.Client, args job.Args) {
	t.Helper()
	db, _ := s.DB()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{})
	must(t, err)
	must(t, c.Enqueue(t.Context(), tx, args))
	must(t, tx.Commit())
}

// run starts a client for the length of the test.
func run(t *testing.T, c *job.Client) {
	t.Helper()
	must(t, c.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		must(t, c.Stop(ctx))
	})
}

func TestAJobOfAKilledProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, dsn string, s *store.Store) {
		attempts := make(chan int, 10)
		c, err := client(s, func(_ context.Context, j *river.Job[taskArgs]) error {
			attempts <- j.Attempt
			return nil
		})
		must(t, err)
		add(t, s, c, taskArgs{Name: "finish"})
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDSN+"="+dsn)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "working finish\n" {
			t.Fatalf("the other process says %q, %v", line, err)
		}
		must(t, child.Process.Kill())
		if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the other process ended: %v", err)
		}
		run(t, c)
		select {
		case n := <-attempts:
			if n != 2 {
				t.Errorf("worked in attempt %d", n)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nobody took the job over")
		}
	})
}

func TestAJobThatPanicsIsTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, s *store.Store) {
		attempts := make(chan int, 10)
		c, err := client(s, func(_ context.Context, j *river.Job[taskArgs]) error {
			attempts <- j.Attempt
			if j.Attempt == 1 {
				panic("out of order")
			}
			return nil
		})
		must(t, err)
		add(t, s, c, taskArgs{})
		run(t, c)
		for want := 1; want <= 2; want++ {
			select {
			case n := <-attempts:
				if n != want {
					t.Errorf("attempt %d, want %d", n, want)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("no attempt %d", want)
			}
		}
	})
}

func TestAPeriodicJobRunsAtTheStart(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, _ string, s *store.Store) {
		ran := make(chan string, 10)
		c, err := client(s, func(_ context.Context, j *river.Job[taskArgs]) error {
			ran <- j.Args.Name
			return nil
		})
		must(t, err)
		c.Every(time.Hour, taskArgs{Name: "sweep"})
		run(t, c)
		select {
		case name := <-ran:
			if name != "sweep" {
				t.Errorf("ran %q", name)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("it did not run")
		}
	})
}

func TestOnlyAClientThatStandsStillIsDead(t *testing.T) {
	t.Parallel()
	l, now := job.NewLives(), time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		after time.Duration
		beats int64
		dead  bool
	}{
		{0, 1, false},                 // first seen: nothing is known of it
		{9 * time.Second, 1, false},   // not long enough
		{2 * time.Second, 2, false},   // it beats
		{9 * time.Second, 2, false},   // since the beat only
		{time.Second, 2, true},        // 10 s
		{time.Second, 3, false},       // it was only slow
		{30 * time.Second, 3, true},   // nobody looked meanwhile
		{30 * time.Second, -1, false}, // forgotten, and running still: another 10 s
		{10 * time.Second, -1, true},
	} {
		now = now.Add(step.after)
		if got := l.Seen("a", step.beats, now, 10*time.Second); got != step.dead {
			t.Errorf("step %d: dead %v", i, got)
		}
	}
}

func TestAJobThatKillsItsProcessesWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{1: 0, 2: time.Second, 3: 16 * time.Second, 4: 81 * time.Second, 9: time.Hour, 500: time.Hour} {
		if got := job.Postpone(attempt); got != want {
			t.Errorf("after attempt %d: %v, want %v", attempt, got, want)
		}
	}
}
