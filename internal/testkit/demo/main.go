// Command demo shows the main job from end to end, on SoftHSM and SQLite, through the real
// program: token, CAs and units; a clerk issues a citizen's certificate; an officer and an
// organisation get theirs; a document system hands over a real PDF; the leader signs, the
// clerk numbers and seals, and the document system gets it back.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/stage"
)

func main() {
	dir := flag.String("dir", "var/demo", "folder of the installation")
	kyso := flag.String("kyso", "bin/kyso", "the program")
	serve := flag.Bool("serve", false, "leave the service running at http://localhost:8080")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := show(ctx, *dir, *kyso, *serve)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func show(ctx context.Context, dir, kyso string, serve bool) error {
	start := time.Now()
	st, err := stage.Open(dir, kyso)
	if err != nil {
		return err
	}
	st.Fixed, st.Out = serve, os.Stdout
	if err := st.Install(ctx); err != nil {
		return err
	}
	if err := st.Start(ctx); err != nil {
		return err
	}
	s := &story{Stage: st}
	if err := s.tell(ctx); err != nil {
		return errors.Join(err, st.Stop())
	}
	if serve {
		return stay(ctx, st)
	}
	if err := st.Stop(); err != nil {
		return err
	}
	// The service is gone; what it signed must verify without it.
	if err := check(ctx, st); err != nil {
		return err
	}
	st.Say("Xong trong %.0f giây / done. PDF: %s, CA: %s", time.Since(start).Seconds(), st.Path("out"), st.Path("ca", "root.pem"))
	return nil
}

// check verifies every document with the root alone, offline, and prints the counts.
func check(ctx context.Context, st *stage.Stage) error {
	files, err := filepath.Glob(st.Path("out", "*.pdf"))
	if err != nil || len(files) == 0 {
		return errors.Join(errors.New("no signed document was left"), err)
	}
	lines, err := st.Run(ctx, append([]string{"pdf", "verify", "--offline", "--trust", st.Path("ca", "root.pem")}, files...)...)
	if err != nil {
		return err
	}
	for _, l := range lines {
		signatures, _ := l["signatures"].([]any)
		st.Say("• kyso pdf verify: %s, %d chữ ký, %v / verified offline", l["verdict"], len(signatures), filepath.Base(fmt.Sprint(l["file"])))
	}
	day := time.Now().In(hanoi).Format(time.DateOnly)
	st.Say("• Số liệu theo đơn vị / counts per unit:")
	cmd := exec.CommandContext(ctx, st.Kyso, "report", "issuance", "--config", st.Path("kyso.yaml"), "--from", day, "--to", day, "--by", "unit")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// stay writes access.json and keeps the service up until it is interrupted.
func stay(ctx context.Context, st *stage.Stage) error {
	if err := st.WriteAccess(); err != nil {
		return errors.Join(err, st.Stop())
	}
	st.Say("Dịch vụ tại %s; tài khoản trong %s; Ctrl+C để dừng / the service is up", st.URL(stage.Public), st.Path("access.json"))
	for _, a := range st.People() {
		st.Say("  %-15s %-12s %s", a.Login, a.Role, a.Password)
	}
	<-ctx.Done()
	return st.Stop()
}
