package routing_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/routing"
)

func TestEvidenceHoldsWhatProvesTheSignatures(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.mustAct(t, r.leader, routing.ActSign, v.ID)
		r.mustAct(t, r.clerk, routing.ActSeal, v.ID)
		var b bytes.Buffer
		must(t, r.Evidence(r.client, v.ID, &b))
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		must(t, err)
		found := map[string]int{}
		dir := t.TempDir()
		for _, f := range z.File {
			kind, _, _ := strings.Cut(f.Name, "/")
			found[kind]++
			rd, err := f.Open()
			must(t, err)
			data, err := io.ReadAll(rd)
			must(t, err)
			if f.Name == "evidence.json" {
				var list struct {
					Files []struct{ Name, SHA256 string }
				}
				must(t, json.Unmarshal(data, &list))
				if len(list.Files) != len(z.File)-1 {
					t.Errorf("%d files are listed of %d", len(list.Files), len(z.File)-1)
				}
			}
			if kind == "signatures" {
				p := filepath.Join(dir, "x.p7s")
				must(t, os.WriteFile(p, data, 0o600))
				if out, err := exec.CommandContext(t.Context(), "openssl", "cms", "-cmsout", "-inform", "DER", "-in", p, "-noout").CombinedOutput(); err != nil {
					t.Errorf("%s: openssl: %v\n%s", f.Name, err, out)
				}
			}
		}
		for kind, want := range map[string]int{"evidence.json": 1, "signatures": 2, "timestamps": 2} {
			if found[kind] != want {
				t.Errorf("%d %s, want %d", found[kind], kind, want)
			}
		}
		if found["certificates"] < 3 || found["crl"] < 1 {
			t.Errorf("%v", found)
		}
		if err := r.Evidence(r.stranger.ctx, v.ID, io.Discard); !errors.Is(err, routing.ErrNotFound) {
			t.Errorf("another unit: %v", err)
		}
	})
}
