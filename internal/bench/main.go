// Command bench measures what the project promises and writes one line of JSON for each
// benchmark to var/bench.jsonl. Limits are measured in the same run with as many goroutines,
// so a ratio means something on a machine that others use too.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// line is a benchmark's outcome. Ratio is Value/Limit; without a limit both are 0.
// P50, P95 and P99 are milliseconds of one operation, 0 when not measured.
type line struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Ratio float64 `json:"ratio"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	RSS   int64   `json:"rss_kb"` // peak of the measured process less that of kyso version
	N     int64   `json:"n"`
	Go    string  `json:"go"`
	CPU   string  `json:"cpu"`
}

// options are for every benchmark.
type options struct {
	dir      string // temporary
	kyso     string
	seconds  time.Duration
	parallel int
}

// benchmark measures one thing in a process of its own.
type benchmark struct {
	name string
	run  func(ctx context.Context, o options) (line, error)
}

var benchmarks = []benchmark{
	{"hsm_sign_p256", hsmSign("P-256")},
	{"hsm_sign_rsa3072", hsmSign("RSA-3072")},
	{"authorize_pin", authorizePIN},
	{"key_unwrap_sign_p256", unwrapSign},
	{"pades_bb_20k", padesSmall},
	{"pades_bb_100m", padesLarge},
	{"pades_blta_20k", padesArchive},
	{"issue_citizen_sqlite", issueCitizen(false)},
	{"issue_citizen_postgres", issueCitizen(true)},
	{"service_sign_sqlite", serviceSign(false)},
	{"service_sign_postgres", serviceSign(true)},
}

func main() {
	only := flag.String("only", "", "regular expression of the benchmarks to run")
	out := flag.String("out", "var/bench.jsonl", "file of the lines")
	seconds := flag.Duration("time", 3*time.Second, "length of each measurement")
	kyso := flag.String("kyso", "bin/kyso", "the program")
	one := flag.String("one", "", "internal: run this benchmark in this process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, *out, *one, *kyso, *seconds)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, out, one, kyso string, seconds time.Duration) error {
	if one != "" {
		return runHere(ctx, one, kyso, seconds)
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	base, err := peak(exec.CommandContext(ctx, kyso, "version"))
	if err != nil {
		return fmt.Errorf("%s version: %w (make build first)", kyso, err)
	}
	var lines []line
	failed := 0
	for _, b := range benchmarks {
		if !pattern.MatchString(b.name) {
			continue
		}
		l, err := runChild(ctx, self, b.name, kyso, seconds, base)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", b.name, err)
			failed++
			continue
		}
		lines = append(lines, l)
		if err := keep(out, l); err != nil {
			return err
		}
	}
	table(lines)
	if failed > 0 {
		return fmt.Errorf("%d benchmarks failed", failed)
	}
	return nil
}

// runChild measures in a new process, so that its memory is its own.
func runChild(ctx context.Context, self, name, kyso string, seconds time.Duration, base int64) (line, error) {
	var l line
	cmd := exec.CommandContext(ctx, self, "-one", name, "-kyso", kyso, "-time", seconds.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(out, &l); err != nil {
		return l, fmt.Errorf("read outcome: %w", err)
	}
	if l.RSS == 0 { // a benchmark of another process has said so itself
		l.RSS = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss - base
	}
	return l, nil
}

func runHere(ctx context.Context, name, kyso string, seconds time.Duration) error {
	dir, err := os.MkdirTemp("", "kyso-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, b := range benchmarks {
		if b.name != name {
			continue
		}
		l, err := b.run(ctx, options{dir: dir, kyso: kyso, seconds: seconds, parallel: 2})
		if err != nil {
			return err
		}
		l.Name, l.Go, l.CPU = name, runtime.Version(), cpu()
		if l.Limit > 0 {
			l.Ratio = l.Value / l.Limit
		}
		return json.NewEncoder(os.Stdout).Encode(l)
	}
	return fmt.Errorf("there is no benchmark %q", name)
}

// peak runs cmd and returns its peak resident memory in kilobytes.
func peak(cmd *exec.Cmd) (int64, error) {
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss, nil
}

// keep writes l to the end of the file; an older line of the same name goes.
func keep(file string, l line) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for text := range strings.Lines(string(old)) {
		var o line
		if json.Unmarshal([]byte(text), &o) == nil && o.Name != l.Name {
			b.WriteString(text)
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	b.Write(append(text, '\n'))
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func table(lines []line) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "name\tvalue\tunit\tlimit\tratio\tp50 ms\tp95 ms\tp99 ms\trss kB\tn\t")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%.4g\t%.2f\t%.3g\t%.3g\t%.3g\t%d\t%d\t\n", l.Name, l.Value, l.Unit, l.Limit, l.Ratio, l.P50, l.P95, l.P99, l.RSS, l.N)
	}
	_ = w.Flush() // the terminal
}

// cpu is the processor's name and how many of it there are.
func cpu() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for text := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(text, "model name"); ok {
			return fmt.Sprintf("%d x %s", runtime.NumCPU(), strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(name), ":")))
		}
	}
	return runtime.GOARCH
}
