package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/trust"
)

// desk is a folder with key.pem and cert.pem in it and a PKI around.
type desk struct {
	*trust.World
	dir string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	w, err := trust.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Person("Nguyễn Thị Ánh Tuyết", key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{w, t.TempDir()}
	d.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	d.write(t, "cert.pem", append(trust.PEM(p.Cert), trust.PEM(p.Chain...)...))
	return d
}

func (d *desk) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refuses demands exit 2 with a code, and that nothing was left beside the input.
func (d *desk) refuses(t *testing.T, code, in string, args ...string) {
	t.Helper()
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	args = append([]string{"pdf", "sign", "--in", in, "--out", filepath.Join(out, "x.pdf"), "--key", filepath.Join(d.dir, "key.pem"), "--cert", filepath.Join(d.dir, "cert.pem")}, args...)
	exit := run(t.Context(), env{strings.NewReader(""), &stdout, &stderr, os.Environ(), slog.LevelWarn}, args)
	var problem struct {
		Code string `json:"code"`
		Vi   string `json:"message_vi"`
	}
	if err := json.Unmarshal(stderr.Bytes(), &problem); err != nil || problem.Code != code || problem.Vi == "" || exit != 2 {
		t.Errorf("exit %d, %s (%v), want %s", exit, stderr.String(), err, code)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 || stdout.Len() > 0 {
		t.Errorf("left: %v (%v), printed %q", left, err, stdout.String())
	}
}

// pdfOf is a file of one page; more are its further objects from 4 on, catalog and trailer further entries.
func pdfOf(catalog, trailer string, more ...string) []byte {
	b := []byte("%PDF-1.7\n")
	list := append([]string{"<</Type/Catalog/Pages 2 0 R" + catalog + ">>", "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>", "<</Type/Page/Parent 2 0 R>>"}, more...)
	table := "0000000000 65535 f \n"
	for i, o := range list {
		table += fmt.Sprintf("%010d 00000 n \n", len(b))
		b = fmt.Appendf(b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return fmt.Appendf(b, "xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(list)+1, table, len(list)+1, trailer, len(b))
}

func TestBadFilesAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	field := func(more string) []byte {
		return pdfOf("/AcroForm<</Fields[4 0 R]>>", "", "<</Type/Annot/Subtype/Widget/FT/Sig/T(ky)/Rect[0 0 9 9]/P 3 0 R"+more+">>")
	}
	for name, c := range map[string]struct {
		code string
		file []byte
		args []string
	}{
		"public key":       {"public_key_security", pdfOf("", "/Encrypt<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4>>"), nil},
		"other handler":    {"unsupported_encryption", pdfOf("", "/Encrypt<</Filter/Other/V 1>>"), nil},
		"XFA":              {"xfa", pdfOf("/AcroForm<</Fields[]/XFA(x)>>", ""), []string{"--active", "warn"}},
		"script":           {"active_content", pdfOf("/OpenAction<</S/JavaScript/JS(x)>>", ""), nil},
		"launch":           {"active_content", pdfOf("/OpenAction 4 0 R", "", "<</S/Launch/F(x)>>"), nil},
		"file elsewhere":   {"active_content", pdfOf("", "", "<</F(/etc/passwd)/Length 0>>\nstream\n\nendstream"), nil},
		"seed":             {"seed_value", field("/SV<</Ff 2/SubFilter[/adbe.pkcs7.detached]>>"), []string{"--field", "ky"}},
		"signed field":     {"field_signed", field("/V<</Type/Sig>>"), []string{"--field", "ky"}},
		"unknown field":    {"field_unknown", field(""), []string{"--field", "khong_co"}},
		"deep":             {"too_deep", pdfOf("/X"+strings.Repeat("[", 5000)+strings.Repeat("]", 5000), ""), nil},
		"deep pages":       {"too_deep", pdfOf("/Pages 4 0 R", "", nest(4, 90, "Pages/Kids[%d 0 R]")...), nil},
		"no page":          {"damaged", pdfOf("/Pages 4 0 R", "", "<</Type/Pages/Kids[]/Count 0>>"), nil},
		"circle":           {"loop", pdfOf("/AcroForm 4 0 R", "", "5 0 R", "4 0 R"), nil},
		"million entries":  {"damaged", bytes.Replace(pdfOf("", ""), []byte("xref\n0 4"), []byte("xref\n0 4000000"), 1), nil},
		"text before page": {"not_pdf", []byte("Kính gửi"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.refuses(t, c.code, d.write(t, name+".pdf", c.file), c.args...)
		})
	}
}

// nest makes n objects of which each leads to the next.
func nest(first, n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("<</Type/"+format+">>", first+i+1)
	}
	return out
}

func TestATimeStampAuthorityThatTalksNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in := d.write(t, "in.pdf", pdfOf("", ""))
	answer := func(status int, kind string, body func(request []byte) []byte) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			request, _ := io.ReadAll(r.Body)
			rw.Header().Set("Content-Type", kind)
			rw.WriteHeader(status)
			_, _ = rw.Write(body(request))
		}
	}
	constant := func(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }
	const reply = "application/timestamp-reply"
	other := d.answerTo(t, bytes.Repeat([]byte{7}, 32))
	for name, h := range map[string]http.HandlerFunc{
		"a web page":         answer(200, "text/html", constant([]byte("<html>"))),
		"noise":              answer(200, reply, constant([]byte{0x30, 0x82, 0xff, 0xff, 1})),
		"nothing":            answer(200, reply, constant(nil)),
		"a rejection":        answer(200, reply, constant([]byte{0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02})),
		"its own request":    answer(200, reply, func(q []byte) []byte { return q }),
		"another's token":    answer(200, reply, constant(other)),
		"far too much":       answer(200, reply, constant(make([]byte, 8<<20))),
		"cut off":            answer(200, reply, constant(other[:len(other)/2])),
		"a page not found":   answer(404, "text/html", constant([]byte("<html>"))),
		"trailing after DER": answer(200, reply, constant(append(bytes.Clone(other), "more"...))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(h)
			defer server.Close()
			for _, level := range []string{"B-T", "B-LTA"} {
				d.refuses(t, "tsa_unavailable", in, "--level", level, "--tsa", server.URL)
			}
		})
	}
}

// answerTo is a good answer to a question that nobody here asks.
func (d *desk) answerTo(t *testing.T, digest []byte) []byte {
	t.Helper()
	query := append([]byte{0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}, digest...)
	query = append(query, 0x01, 0x01, 0xff)
	resp, err := http.Post(d.URL+"/tsa", "application/timestamp-query", bytes.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || len(b) < 500 {
		t.Fatalf("answer of %d bytes: %v", len(b), err)
	}
	return b
}

// The input is written to while the time-stamp is fetched: what was hashed is no longer what stands there.
func TestAnInputThatChangesIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, change := range map[string]func(f *os.File) error{
		"overwritten": func(f *os.File) error { _, err := f.WriteAt([]byte("x"), 20); return err },
		"longer": func(f *os.File) error {
			_, err := f.Seek(0, io.SeekEnd)
			_, werr := f.WriteString("more")
			return firstOf(err, werr)
		},
		"shorter": func(f *os.File) error { return f.Truncate(100) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := d.write(t, name+".pdf", pdfOf("", ""))
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				f, err := os.OpenFile(in, os.O_RDWR, 0)
				if err == nil {
					err = firstOf(change(f), f.Close())
				}
				if err != nil {
					t.Error(err)
				}
				forward(r.Context(), rw, r.Body, d.URL+"/tsa")
			}))
			defer server.Close()
			d.refuses(t, "input_changed", in, "--level", "B-T", "--tsa", server.URL)
		})
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// forward asks the real authority.
func forward(ctx context.Context, rw http.ResponseWriter, body io.Reader, url string) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err == nil {
		q.Header.Set("Content-Type", "application/timestamp-query")
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(q); err == nil {
			defer resp.Body.Close()
			rw.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
			_, err = io.Copy(rw, resp.Body)
		}
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
	}
}
