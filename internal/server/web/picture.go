package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Limits of the child that draws a page.
const (
	paintTime    = 10 * time.Second
	paintMemory  = 1 << 30
	paintOutput  = 8 << 20
	paintPixels  = 1123 // the longer side: A4 at 96 dpi
	paintAtOnce  = 2
	paintWaiting = 15 * time.Second
)

var (
	errPicture = errs.New(errs.Invalid, "page_picture",
		"Không vẽ được trang này. Tải tệp gốc để xem.", "The page could not be drawn. Download the file.")
	errPainterBusy = errs.New(errs.Unavailable, "page_picture_busy",
		"Đang có nhiều trang cần vẽ. Thử lại sau ít giây.", "Too many pages are being drawn.").After(5 * time.Second)
)

// painter draws pages by poppler's pdftoppm in a child process without network, bounded in
// time, memory and output. The file goes in by a pipe and never lies on disk in clear.
type painter struct {
	slots chan struct{}
	// command is what stands before pdftoppm: limits, and a network of its own where the
	// system allows it; nil when no limits can be set. Found out once.
	command func() []string
}

func newPainter() painter {
	return painter{slots: make(chan struct{}, paintAtOnce), command: sync.OnceValue(confined)}
}

func confined() []string {
	if _, err := exec.LookPath("prlimit"); err != nil {
		return nil
	}
	out := []string{"prlimit", "--as=" + strconv.Itoa(paintMemory), "--cpu=" + strconv.Itoa(int(paintTime.Seconds())), "--fsize=0", "--core=0", "--"}
	if exec.Command("unshare", "--user", "--map-root-user", "--net", "true").Run() == nil {
		out = append(out, "unshare", "--user", "--map-root-user", "--net", "--")
	}
	return out
}

// page draws page n of a PDF file, counted from 1.
func (p painter) page(ctx context.Context, pdf io.Reader, n int) ([]byte, error) {
	// 1. Two at a time; others wait a little.
	wait := time.NewTimer(paintWaiting)
	defer wait.Stop()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-wait.C:
		return nil, errPainterBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// 2. The child, with an empty environment; none without limits.
	limits := p.command()
	if limits == nil {
		return nil, errPicture.Wrap(errors.New("prlimit is missing"))
	}
	ctx, cancel := context.WithTimeout(ctx, paintTime)
	defer cancel()
	page := strconv.Itoa(n)
	line := append(append([]string{}, limits...), "pdftoppm", "-png", "-cropbox", "-f", page, "-l", page, "-scale-to", strconv.Itoa(paintPixels), "-")
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	cmd.Dir = "/"
	cmd.Stdin = pdf
	cmd.WaitDelay = time.Second
	var out, said bounded
	out.left, said.left = paintOutput, 4<<10
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	// 3. What did not end well is a refusal; the cause is for the log.
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ctx.Err()
	}
	if err != nil || out.over || !bytes.HasPrefix(out.Bytes(), []byte("\x89PNG")) {
		return nil, errPicture.Wrap(fmt.Errorf("pdftoppm: %w: %.200q, %d bytes, over %v", orEnded(err), said.String(), out.Len(), out.over))
	}
	small, err := smaller(out.Bytes())
	if err != nil {
		return nil, errPicture.Wrap(fmt.Errorf("picture of a page: %w", err))
	}
	return small, nil
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("ended")
	}
	return err
}

// bounded is a buffer that takes left bytes and no more.
type bounded struct {
	bytes.Buffer
	left int
	over bool
}

// Write keeps what fits; more is an error, which ends the child by its broken pipe.
func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.over = true
		return 0, io.ErrShortWrite
	}
	b.left -= len(p)
	return b.Buffer.Write(p)
}

// safeName is a file's name without path, control characters and what systems refuse.
func safeName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, name)
	if name == "" || name == "." || name == ".." {
		return "tep"
	}
	return name
}
