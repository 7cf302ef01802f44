package stage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"mime/multipart"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/stage"
)

// installed builds kyso and makes an installation whose service is up.
func installed(t *testing.T) *stage.Stage {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	kyso := filepath.Join(t.TempDir(), "kyso")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", kyso, "./cmd/kyso").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s, err := stage.Open(filepath.Join(t.TempDir(), "inst"), kyso)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// code is the refusal's, "" when there was none.
func code(err error) string {
	if p, ok := errors.AsType[*stage.Problem](err); ok {
		return p.Code
	}
	return ""
}

func TestBadInputOverHTTPIsRefusedByCodeAndLeavesNothing(t *testing.T) {
	s := installed(t)
	ctx := t.Context()
	unitID, pointID, err := s.Ward(ctx)
	if err != nil {
		t.Fatal(err)
	}
	clerk, err := s.Login(ctx, "tiepnhan")
	if err != nil {
		t.Fatal(err)
	}
	dms, err := s.System(ctx)
	if err != nil {
		t.Fatal(err)
	}
	citizen := func(change map[string]any) map[string]any {
		f := map[string]any{"kind": "citizen", "unit_id": unitID, "point_id": pointID, "identity": "001190012345", "name": "Nguyễn Thị Lệ",
			"birth_date": "1990-03-12", "sex": "nu", "address": "Hà Nội", "phone": "0912345321", "proof": map[string]any{"method": "card"},
			"contract": map[string]any{"signed": true, "number": "HĐ-1"}, "consent": map[string]any{"given": true, "text": "03/2026"}}
		for k, v := range change {
			f[k] = v
		}
		return f
	}
	for name, c := range map[string]struct {
		change map[string]any
		want   []string
	}{
		"identity number of 11 digits": {map[string]any{"identity": "00119001234"}, []string{"cccd_length"}},
		"unknown unit":                 {map[string]any{"unit_id": "khong-co"}, []string{"unknown_unit", "not_found"}},
		"year that disagrees":          {map[string]any{"birth_date": "1991-03-12"}, []string{"cccd_birth_year"}},
	} {
		err := clerk.Post(ctx, "/api/v1/applications", citizen(c.change), nil)
		if got := code(err); !contains(c.want, got) {
			t.Errorf("%s: %q (%v), want one of %v", name, got, err, c.want)
		}
	}
	if n := items(ctx, t, clerk, "/api/v1/applications"); n != 0 {
		t.Errorf("refused applications left %d behind", n)
	}
	for name, c := range map[string]struct{ file, want string }{
		"a PDF cut in half":     {"testdata/bad/half.pdf", "damaged"},
		"a text file named pdf": {"testdata/bad/text.pdf", "not_pdf"},
		"an empty file":         {"testdata/bad/empty.pdf", "not_pdf"},
	} {
		err := submit(ctx, dms, unitID, "X-"+name, c.file, nil)
		if got := code(err); got != c.want {
			t.Errorf("%s: %q (%v), want %s", name, got, err, c.want)
		}
	}
	left := 0
	err = filepath.WalkDir(s.Path("documents"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			left++
		}
		return err
	})
	if n := items(ctx, t, dms, "/api/v1/documents?box=unit"); n != 0 || err != nil || left != 0 {
		t.Errorf("refused documents left %d rows and %d files behind (%v)", n, left, err)
	}
	// The same request twice, each with a key of its own: one document.
	var first, second struct {
		ID string `json:"id"`
	}
	if err := submit(ctx, dms, unitID, "X-1", stage.DocumentFile, &first); err != nil {
		t.Fatal(err)
	}
	if err := submit(ctx, dms, unitID, "X-1", stage.DocumentFile, &second); err != nil || first.ID == "" || first.ID != second.ID {
		t.Errorf("the same document twice: %+v, %+v, %v", first, second, err)
	}
	if n := items(ctx, t, dms, "/api/v1/documents?box=unit"); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func items(ctx context.Context, t *testing.T, v *stage.Visitor, path string) int {
	t.Helper()
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := v.Get(ctx, path, &list); err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}

// submit hands a document over, as a document system does.
func submit(ctx context.Context, dms *stage.Visitor, unitID, external, file string, out any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(map[string]any{"external_id": external, "unit_id": unitID, "metadata": map[string]any{"subject": "Thử"},
		"steps": []any{map[string]any{"kind": "leader", "signer": "lanhdao"}, map[string]any{"kind": "seal"}}})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, content := range map[string][]byte{"metadata": metadata, "file": b} {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"; filename="a.pdf"`}, "Content-Type": {"application/pdf"}}
		if name == "metadata" {
			h = textproto.MIMEHeader{"Content-Disposition": {`form-data; name="metadata"`}, "Content-Type": {"application/json"}}
		}
		p, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		if _, err := p.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return dms.Send(ctx, "/api/v1/documents", w.FormDataContentType(), body.Bytes(), out)
}

func TestAMissingLibraryAndAWrongTokenPINAreNamed(t *testing.T) {
	s := installed(t)
	config, err := os.ReadFile(s.Path("kyso.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := s.Path("wrong.pin")
	if err := os.WriteFile(wrong, []byte("0000-wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  string
		want string
	}{
		"no SoftHSM library": {"KYSO_HSM_MODULE=/nowhere/libsofthsm2.so", "hsm_module_missing"},
		"wrong token PIN":    {"KYSO_HSM_PIN_FILE=" + wrong, "hsm_pin_incorrect"},
		"no such token":      {"KYSO_HSM_TOKEN=khac", "hsm_token_not_found"},
	} {
		cmd := exec.CommandContext(t.Context(), s.Kyso, "serve", "--config", s.Path("kyso.yaml"))
		cmd.Env = append(os.Environ(), c.env)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), `"code":"`+c.want+`"`) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	after, err := os.ReadFile(s.Path("kyso.yaml"))
	if err != nil || !bytes.Equal(config, after) {
		t.Errorf("the configuration changed (%v)", err)
	}
}
