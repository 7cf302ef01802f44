//go:build interop

package interop

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	levels "github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
)

// tools keeps what it downloads from one run to the next.
var tools = sync.OnceValues(func() (*Tools, error) {
	dir, err := filepath.Abs("../../var/interop")
	return &Tools{Dir: dir}, err
})

func newTools(t *testing.T) *Tools {
	t.Helper()
	made, err := tools()
	must(t, err)
	return made
}

// algorithm is a column of the matrix.
type algorithm struct {
	name, key string
	scheme    cms.Scheme // "" is what the command takes for the key
}

var algorithms = []algorithm{
	{"RSA-PSS", "RSA-3072", ""}, {"RSA PKCS#1", "RSA-3072", cms.PKCS1v15}, {"P-256", "P-256", ""}, {"P-384", "P-384", ""},
}

var (
	baseline = []string{"B-B", "B-T", "B-LT", "B-LTA"}
	counts   = []int{1, 2, 5}
)

// cell is one file of the matrix.
type cell struct {
	Job
	row, column string
	signatures  int
}

func (c cell) format() string { return "PAdES_BASELINE_" + strings.TrimPrefix(c.Level, "B-") }

// Every level, by every algorithm, with one, two and five signatures, made at once or raised later: EU DSS and pyHanko
// accept all, and kyso pdf verify says of each what EU DSS says.
func TestEveryLevelIsWhatItClaimsToAllJudges(t *testing.T) {
	t.Parallel()
	tools, a := newTools(t), newAuthority(t)
	cells := signMatrix(t, a)
	trust := a.trust(t) // after the signatures, so that it is fresh for them
	jobs := make([]Job, len(cells))
	for i, c := range cells {
		jobs[i] = c.Job
	}

	dss, hanko, ours := judgeAll(t, tools, trust, jobs)

	results := matrix{"EU DSS": {}, "pyHanko": {}, "kyso verify": {}}
	for _, c := range cells {
		results.add(t, c, dss, hanko, ours)
	}
	t.Logf("%d files, %d signatures\n%s", len(cells), len(dss), results.table(cells))
}

// Documents of all kinds, every second one certified, at the highest level: the structure of a file changes no verdict.
func TestEveryDocumentStandsAtTheHighestLevel(t *testing.T) {
	t.Parallel()
	tools, a := newTools(t), newAuthority(t)
	kyso, err := kysoBinary()
	must(t, err)
	dir, who := t.TempDir(), a.certify(t, "organisation", "P-256")
	var cells []cell
	var jobs []Job
	for i, name := range signable {
		out := filepath.Join(dir, fmt.Sprintf("%d.pdf", i))
		args := []string{"pdf", "sign", "--in", filepath.Join(documents, name), "--out", out, "--key", who.keyFile, "--cert", who.pemCrt,
			"--chain", a.chain(), "--level", "B-LTA"}
		way := "approved"
		if i%2 == 1 {
			way, args = "certified", append(args, "--certify", "2")
		}
		a.run(t, kyso, append(args, a.network("B-LTA")...))
		jobs = append(jobs, Job{out, "B-LTA"})
		cells = append(cells, cell{jobs[i], name, way, 1})
	}
	dss, hanko, ours := judgeAll(t, tools, a.trust(t), jobs)
	results := matrix{"EU DSS": {}, "pyHanko": {}, "kyso verify": {}}
	for _, c := range cells {
		results.add(t, c, dss, hanko, ours)
	}
	t.Logf("%d documents at B-LTA, judged by EU DSS, pyHanko and kyso pdf verify", len(signable))
}

// judgeAll asks EU DSS, pyHanko and our own command.
func judgeAll(t *testing.T, tools *Tools, trust Trust, jobs []Job) (dss []DSSReport, hanko []PyHankoReport, ours []verified) {
	t.Helper()
	var errs [3]error
	var wait sync.WaitGroup
	wait.Go(func() { dss, errs[0] = tools.DSS(t.Context(), trust, jobs) })
	wait.Go(func() { hanko, errs[1] = tools.PyHanko(t.Context(), trust, jobs) })
	wait.Go(func() { ours, errs[2] = verifyAll(t, trust, jobs) })
	wait.Wait()
	must(t, errors.Join(errs[:]...))
	return dss, hanko, ours
}

// signMatrix makes all files.
func signMatrix(t *testing.T, a *authority) []cell {
	t.Helper()
	kyso, err := kysoBinary()
	must(t, err)
	dir := t.TempDir()
	var cells []cell
	for _, alg := range algorithms {
		holders := []holder{a.certify(t, "officer", alg.key), a.certify(t, "organisation", alg.key)}
		for _, level := range baseline {
			in := documents + "/to-trinh.pdf"
			for n := range slices.Max(counts) {
				out := filepath.Join(dir, strings.NewReplacer(" ", "", "#", "").Replace(fmt.Sprintf("%s-%s-%d.pdf", alg.name, level, n+1)))
				a.sign(t, kyso, alg, holders[n%2], level, n, in, out)
				if slices.Contains(counts, n+1) {
					cells = append(cells, cell{Job{out, level}, level, alg.name, n + 1})
				}
				in = out
			}
		}
		for _, n := range counts {
			cells = append(cells, a.raise(t, kyso, cells, alg, n)...)
		}
	}
	return cells
}

// fields of the document that the first signatures fill; later ones get new fields.
var fields = []string{"chu_ky_lanh_dao", "con_dau"}

// sign adds a signature of a level, by the command; the schemes that it doesn't offer by the library.
func (a *authority) sign(t *testing.T, kyso string, alg algorithm, who holder, level string, n int, in, out string) {
	t.Helper()
	field := ""
	if n < len(fields) {
		field = fields[n]
	}
	if alg.scheme == "" {
		args := []string{"pdf", "sign", "--in", in, "--out", out, "--key", who.keyFile, "--cert", who.pemCrt, "--chain", a.chain(), "--level", level}
		if field != "" {
			args = append(args, "--field", field)
		}
		a.run(t, kyso, append(args, a.network(level)...))
		return
	}
	source, err := pades.OpenFile(in)
	must(t, err)
	defer source.Close()
	parsed, err := levels.ParseLevel(level)
	must(t, err)
	var b bytes.Buffer
	_, err = pades.Sign(t.Context(), source, pades.Options{Field: field, Certificate: who.cert, Scheme: alg.scheme,
		Chain: []*x509.Certificate{a.issuing.Certificate()}}, who.key, parsed,
		pades.AugmentOptions{TSA: &tsa.Client{URLs: []string{a.url + "/tsa"}}, Fetcher: &path.HTTPFetcher{Client: http.DefaultClient},
			Anchors: []path.AnchorList{{Name: "root", Certificates: []*x509.Certificate{a.root.Certificate()}}}}, &b)
	must(t, err)
	write(t, out, b.Bytes())
}

// raise takes the B-B file with n signatures up level by level, and renews the last.
func (a *authority) raise(t *testing.T, kyso string, cells []cell, alg algorithm, n int) []cell {
	t.Helper()
	i := slices.IndexFunc(cells, func(c cell) bool { return c.Level == "B-B" && c.column == alg.name && c.signatures == n })
	in := cells[i].File
	var out []cell
	for _, step := range []struct{ level, row string }{{"B-T", "B-B to B-T"}, {"B-LT", "to B-LT"}, {"B-LTA", "to B-LTA"}, {"B-LTA", "renewed"}} {
		file := strings.TrimSuffix(in, ".pdf") + "-" + step.level + ".pdf"
		a.run(t, kyso, append([]string{"pdf", "augment", "--in", in, "--out", file, "--level", step.level}, a.network(step.level)...))
		out = append(out, cell{Job{file, step.level}, step.row, alg.name, n})
		in = file
	}
	return out
}

// network are the flags that a level needs.
func (a *authority) network(level string) []string {
	if level == "B-B" {
		return nil
	}
	return []string{"--tsa", a.url + "/tsa", "--allow-net", "127.0.0.1", "--trust", a.anchors()}
}

func (a *authority) run(t *testing.T, kyso string, args []string) {
	t.Helper()
	if _, err := judge(t.Context(), kyso, args...); err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}

func judgeDSS(c cell, reports []DSSReport) (objections []string) {
	if len(reports) != c.signatures {
		objections = append(objections, fmt.Sprintf("sees %d signatures", len(reports)))
	}
	for _, r := range reports {
		right := r.Indication == "TOTAL_PASSED" && r.Format == c.format() && len(r.Errors) == 0
		for _, timestamp := range r.Timestamps {
			right = right && timestamp == "PASSED"
		}
		if !right || (c.Level == "B-B") != (len(r.Timestamps) == 0) {
			objections = append(objections, fmt.Sprintf("%+v", r))
		}
	}
	return objections
}

func judgeHanko(c cell, reports []PyHankoReport) (objections []string) {
	if len(reports) != c.signatures {
		objections = append(objections, fmt.Sprintf("sees %d signatures", len(reports)))
	}
	for _, r := range reports {
		right := r.Passed && r.Intact && r.Valid && r.Trusted && r.DocMDPOk && len(r.Errors) == 0 && !slices.Contains(r.Timestamps, false)
		if !right || (c.Level == "B-B") != (len(r.Timestamps) == 0) {
			objections = append(objections, fmt.Sprintf("%+v", r))
		}
	}
	return objections
}

// verified is the line that kyso pdf verify prints.
type verified struct {
	File, Verdict string
	Signatures    []struct {
		Field, Type, Level, Indication string
		SubIndication                  string `json:"sub_indication"`
		Reasons                        []struct{ Code string }
	}
}

// verifyAll asks our own command, offline, in two runs: with CRLs and without.
func verifyAll(t *testing.T, trust Trust, jobs []Job) ([]verified, error) {
	kyso, err := kysoBinary()
	if err != nil {
		return nil, err
	}
	var out []verified
	for _, embedded := range []bool{false, true} {
		args := []string{"pdf", "verify", "--offline", "--trust", trust.Anchors}
		for _, file := range trust.CRLs {
			if !embedded {
				args = append(args, "--crl", file)
			}
		}
		for _, j := range jobs {
			if j.embedded() == embedded {
				args = append(args, j.File)
			}
		}
		if !slices.ContainsFunc(jobs, func(j Job) bool { return j.embedded() == embedded }) {
			continue
		}
		lines, err := judge(t.Context(), kyso, args...)
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || len(lines) == 0) {
			return nil, err
		}
		for line := range bytes.Lines(lines) {
			var v verified
			if err := json.Unmarshal(line, &v); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			out = append(out, v)
		}
	}
	return out, nil
}

// compare lists where our verdict is not that of EU DSS.
func compare(v verified, dss []DSSReport) (objections []string) {
	if v.Verdict != "TOTAL_PASSED" {
		objections = append(objections, "the verdict is "+v.Verdict)
	}
	people := 0
	for _, s := range v.Signatures {
		at := slices.IndexFunc(dss, func(r DSSReport) bool { return r.Field == s.Field })
		if at < 0 {
			if s.Indication != "TOTAL_PASSED" {
				objections = append(objections, fmt.Sprintf("%s %s: %s %s", s.Type, s.Field, s.Indication, s.Reasons))
			}
			continue // a document time-stamp, which EU DSS reports with the signatures
		}
		people++
		if s.Indication != dss[at].Indication || "PAdES_BASELINE_"+strings.TrimPrefix(s.Level, "B-") != dss[at].Format {
			objections = append(objections, fmt.Sprintf("%s: %s %s %s %s, EU DSS %s %s", s.Field, s.Level, s.Indication, s.SubIndication, s.Reasons,
				dss[at].Format, dss[at].Indication))
		}
	}
	if people != len(dss) {
		objections = append(objections, fmt.Sprintf("sees %d of %d signatures", people, len(dss)))
	}
	return objections
}

// matrix has, by judge and file, what the judge objects to; a file that nobody judged has no entry.
type matrix map[string]verdicts

type verdicts map[string][]string

// add takes in what the judges say of one file, and fails the test where one objects.
func (m matrix) add(t *testing.T, c cell, dss []DSSReport, hanko []PyHankoReport, ours []verified) {
	t.Helper()
	byDSS := slices.DeleteFunc(slices.Clone(dss), func(r DSSReport) bool { return r.File != c.File })
	byHanko := slices.DeleteFunc(slices.Clone(hanko), func(r PyHankoReport) bool { return r.File != c.File })
	m["EU DSS"][c.File], m["pyHanko"][c.File] = judgeDSS(c, byDSS), judgeHanko(c, byHanko)
	at := slices.IndexFunc(ours, func(v verified) bool { return v.File == c.File })
	if at < 0 {
		t.Fatalf("kyso pdf verify says nothing of %s", c.File)
	}
	m["kyso verify"][c.File] = compare(ours[at], byDSS)
	for judge, verdicts := range m {
		for _, objection := range verdicts[c.File] {
			t.Errorf("%s: %s, %s, %d signatures: %s", judge, c.row, c.column, c.signatures, objection)
		}
	}
}

// table prints the matrix: a row for each level and judge, a column for each algorithm and number of signatures.
func (m matrix) table(cells []cell) string {
	var rows []string
	for _, c := range cells {
		if !slices.Contains(rows, c.row) {
			rows = append(rows, c.row)
		}
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "level\tjudge")
	for _, alg := range algorithms {
		for _, n := range counts {
			fmt.Fprintf(w, "\t%s ×%d", alg.name, n)
		}
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		for _, judge := range []string{"EU DSS", "pyHanko", "kyso verify"} {
			fmt.Fprintf(w, "%s\t%s", row, judge)
			for _, alg := range algorithms {
				for _, n := range counts {
					i := slices.IndexFunc(cells, func(c cell) bool { return c.row == row && c.column == alg.name && c.signatures == n })
					fmt.Fprintf(w, "\t%s", m[judge].word(cells, i))
				}
			}
			fmt.Fprintln(w)
		}
	}
	_ = w.Flush()
	return b.String()
}

func (v verdicts) word(cells []cell, i int) string {
	if i < 0 {
		return "-"
	}
	objections, judged := v[cells[i].File]
	switch {
	case !judged:
		return "-"
	case len(objections) > 0:
		return "FAIL"
	}
	return "ok"
}
