//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
)

// profiles are the documents that claim to conform to something.
var profiles = []struct{ file, profile string }{
	{"pdfa-1b.pdf", "1b"}, {"pdfa-2b.pdf", "2b"}, {"pdfa-3b.pdf", "3b"}, {"pdf-ua.pdf", "ua1"},
}

// looks are the ways to sign a document of a profile, each a JSON file of --appearance; "" is an invisible signature.
var looks = []struct{ name, level, spec string }{
	{"invisible B-B", "B-B", ""},
	{"invisible B-LTA", "B-LTA", ""},
	{"leader B-B", "B-B", `{"kind":"leader","image":"ky.png","page":1,"unit":"mm","rect":[100,40,160,65]}`},
	{"leader B-LTA", "B-LTA", `{"kind":"leader","image":"ky.png","page":1,"unit":"mm","rect":[100,40,160,65]}`},
	{"initial", "B-B", `{"kind":"initial","image":"nhay.png","page":1,"unit":"mm","rect":[20,20,35,30]}`},
	{"copy", "B-B", `{"kind":"copy","copy":"SAO Y","agency":"Ủy ban nhân dân phường Cửa Nam"}`},
	{"text", "B-B", `{"kind":"text","number":"12/QĐ-UBND"}`},
}

// seal is put over the leader's signature in a further update.
const seal = `{"kind":"seal","image":"dau.png","diameter_mm":36,"over":"Signature1"}`

// A file of PDF/A or PDF/UA conforms after signing as before, whatever the signature looks like.
func TestDocumentsOfAProfileConformAfterSigning(t *testing.T) {
	t.Parallel()
	tools, a := newTools(t), newAuthority(t)
	kyso, err := kysoBinary()
	must(t, err)
	dir := t.TempDir()
	drawStamps(t, dir)
	who := a.certify(t, "officer", "P-256")
	// 1. Every document in every way. The first column is the document itself.
	columns := []string{"unsigned"}
	for _, look := range looks {
		columns = append(columns, look.name)
	}
	columns = append(columns, "leader, seal")
	var jobs []ProfileJob
	for _, p := range profiles {
		in := filepath.Join(documents, "profiles", p.file)
		jobs = append(jobs, ProfileJob{in, p.profile})
		var leader string
		for i, look := range looks {
			out := filepath.Join(dir, fmt.Sprintf("%d-%s", i, p.file))
			a.stamp(t, kyso, who, look.level, look.spec, in, out)
			if jobs = append(jobs, ProfileJob{out, p.profile}); look.name == "leader B-B" {
				leader = out
			}
		}
		out := filepath.Join(dir, "seal-"+p.file)
		a.stamp(t, kyso, who, "B-B", seal, leader, out)
		jobs = append(jobs, ProfileJob{out, p.profile})
	}
	// 2. The judge, and its table.
	reports, err := tools.VeraPDF(t.Context(), jobs)
	must(t, err)
	if len(reports) != len(jobs) {
		t.Fatalf("%d reports on %d files", len(reports), len(jobs))
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "veraPDF\t"+strings.Join(columns, "\t"))
	for i, r := range reports {
		if i%len(columns) == 0 {
			fmt.Fprint(w, profiles[i/len(columns)].file)
		}
		word := "ok"
		if !r.Conforms {
			word = "FAIL"
			t.Errorf("%s, %s: not %s any more: %v", profiles[i/len(columns)].file, columns[i%len(columns)], r.Profile, r.Broken)
		}
		if fmt.Fprint(w, "\t"+word); i%len(columns) == len(columns)-1 {
			fmt.Fprintln(w)
		}
	}
	_ = w.Flush()
	t.Logf("%d files\n%s", len(jobs), b.String())
}

// veraPDF is judged itself: it says of a file without a profile that it has none.
func TestVeraPDFTellsConformingFilesFromOthers(t *testing.T) {
	t.Parallel()
	tools := newTools(t)
	empty := filepath.Join(t.TempDir(), "empty.pdf")
	write(t, empty, nil)
	reports, err := tools.VeraPDF(t.Context(), []ProfileJob{
		{documents + "/profiles/pdfa-2b.pdf", "2b"}, {documents + "/profiles/pdf-ua.pdf", "1b"}, {documents + "/to-trinh.pdf", "2b"}, {empty, "2b"},
	})
	must(t, err)
	if len(reports) != 4 || !reports[0].Conforms {
		t.Fatalf("%+v", reports)
	}
	for _, r := range reports[1:] {
		if r.Conforms || len(r.Broken) == 0 {
			t.Errorf("%s is %s: %v", r.File, r.Profile, r.Broken)
		}
	}
}

func drawStamps(t *testing.T, dir string) {
	t.Helper()
	signature, err := stamps.Signature("Trần Văn Đức")
	must(t, err)
	initial, err := stamps.Initial("Trần Văn Đức")
	must(t, err)
	round, err := stamps.Seal(stamps.DiameterMM, stamps.SealText{Above: "SỞ TƯ PHÁP"})
	must(t, err)
	for name, picture := range map[string][]byte{"ky.png": signature, "nhay.png": initial, "dau.png": round} {
		write(t, filepath.Join(dir, name), picture)
	}
}

// stamp signs by the command; spec is the content of the file of --appearance, beside which the pictures are.
func (a *authority) stamp(t *testing.T, kyso string, who holder, level, spec, in, out string) {
	t.Helper()
	args := []string{"pdf", "sign", "--in", in, "--out", out, "--key", who.keyFile, "--cert", who.pemCrt, "--chain", a.chain(), "--level", level}
	if spec != "" {
		file := strings.TrimSuffix(out, ".pdf") + ".json"
		write(t, file, []byte(spec))
		args = append(args, "--appearance", file)
	}
	a.run(t, kyso, append(args, a.network(level)...))
	before, err := os.ReadFile(in)
	must(t, err)
	after, err := os.ReadFile(out)
	must(t, err)
	if !bytes.HasPrefix(after, before) {
		t.Errorf("%s is not the beginning of %s", in, out)
	}
}
