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
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/internal/testkit/bigpdf"
	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/internal/testkit/token"
	"github.com/kyso-vn/kyso/internal/testkit/trust"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kyso": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := run(ctx, env{os.Stdin, os.Stdout, os.Stderr, os.Environ(), slog.LevelWarn}, os.Args[1:])
		stop()
		os.Exit(code)
	}})
}

// TestScripts runs testdata/*.txtar. Beside the usual commands they have those of commands
// below; $PDF is the folder of sample documents, and pki makes what needs a PKI.
func TestScripts(t *testing.T) {
	t.Parallel()
	pdfs, err := filepath.Abs("../../testdata/pdf")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PDF", pdfs)
			e.Setenv("BAD", filepath.Join(filepath.Dir(pdfs), "bad"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"pki": scriptPKI, "token": scriptToken, "stamps": scriptStamps, "bigpdf": scriptBigPDF, "judge": scriptJudge, "prefix": scriptPrefix, "field": scriptField, "files": scriptFiles, "code": scriptCode,
		},
	})
}

// scriptPKI: "pki" starts a PKI on loopback and writes root.pem, chain.pem, key.pem, cert.pem,
// old.pem (expired), ca.crl and root.crl; $TSA and $HOST are its addresses.
func scriptPKI(ts *testscript.TestScript, _ bool, _ []string) {
	w, err := trust.New()
	ts.Check(err)
	ts.Defer(w.Close)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	p, err := w.Person("Nguyễn Thị Ánh Tuyết", key)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	files := map[string][]byte{
		"root.pem": trust.PEM(w.Root), "chain.pem": trust.PEM(p.Chain...), "cert.pem": trust.PEM(p.Cert),
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
	files["ca.crl"], err = w.CRL(w.CA)
	ts.Check(err)
	files["root.crl"], err = w.CRL(w.Root)
	ts.Check(err)
	old := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	expired, err := x509.CreateCertificate(rand.Reader, old, old, key.Public(), key)
	ts.Check(err)
	files["old.pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: expired})
	for name, data := range files {
		ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600))
	}
	ts.Setenv("TSA", w.URL+"/tsa")
	ts.Setenv("HOST", strings.TrimPrefix(w.URL, "http://"))
}

// scriptToken: "token" puts key.pem on a SoftHSM token; $KEY is its URI, $WRONG one with
// another PIN.
func scriptToken(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.MkAbs("hsm")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(token.Init(dir, "kyso", "12345678", "87654321"))
	module, err := token.Module()
	ts.Check(err)
	cmd := exec.Command("softhsm2-util", "--module", module, "--import", ts.MkAbs("key.pem"), "--token", "kyso", "--label", "ánh tuyết", "--id", "a1", "--pin", "12345678")
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+token.Conf(dir))
	out, err := cmd.CombinedOutput()
	if err != nil {
		ts.Fatalf("softhsm2-util: %v: %s", err, out)
	}
	ts.Check(os.WriteFile(ts.MkAbs("pin"), []byte("12345678\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("wrong"), []byte("00000000\n"), 0o600))
	ts.Setenv("SOFTHSM2_CONF", token.Conf(dir))
	uri := "pkcs11:token=kyso;id=%a1?module-path=" + module + "&pin-source=file:"
	ts.Setenv("KEY", uri+ts.MkAbs("pin"))
	ts.Setenv("WRONG", uri+ts.MkAbs("wrong"))
}

// scriptStamps: "stamps DIR" draws ky.png and dau.png.
func scriptStamps(ts *testscript.TestScript, _ bool, args []string) {
	signature, err := stamps.Signature("Nguyễn Thị Ánh Tuyết")
	ts.Check(err)
	seal, err := stamps.Seal(stamps.DiameterMM, stamps.SealText{Above: "ỦY BAN NHÂN DÂN PHƯỜNG CỬA NAM"})
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "ky.png"), signature, 0o600))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "dau.png"), seal, 0o600))
}

// scriptBigPDF: "bigpdf FILE MEGABYTES" writes a large file.
func scriptBigPDF(ts *testscript.TestScript, _ bool, args []string) {
	var size int64
	_, err := fmt.Sscan(args[1], &size)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(bigpdf.Write(f, bigpdf.Options{Size: size << 20, Pages: 200}))
	ts.Check(f.Close())
}

// scriptJudge: "judge FILE N [PASSWORD]" has qpdf and OpenSSL accept a file with N signatures
// under root.pem.
func scriptJudge(ts *testscript.TestScript, _ bool, args []string) {
	file, password := ts.MkAbs(args[0]), ""
	if len(args) > 2 {
		password = args[2]
	}
	ts.Check(interop.QPDFCheck(context.Background(), file, password))
	ts.Check(interop.OpenSSLVerify(context.Background(), file, ts.MkAbs("root.pem")))
	found, err := interop.ExtractCMS(file)
	ts.Check(err)
	if got := fmt.Sprint(len(found)); got != args[1] {
		ts.Fatalf("%s has %s signatures, want %s", args[0], got, args[1])
	}
}

// scriptPrefix: "prefix A B" demands that B begins with the bytes of A.
func scriptPrefix(ts *testscript.TestScript, _ bool, args []string) {
	a, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if !bytes.HasPrefix(b, a) || len(a) == len(b) {
		ts.Fatalf("%s is not the beginning of %s", args[0], args[1])
	}
}

// scriptField: "field KEY VALUE" reads the JSON on stdout; a VALUE of the form <N demands a
// smaller number.
func scriptField(ts *testscript.TestScript, _ bool, args []string) {
	var line map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &line))
	got := fmt.Sprint(line[args[0]])
	if limit, ok := strings.CutPrefix(args[1], "<"); ok {
		var most float64
		_, err := fmt.Sscan(limit, &most)
		ts.Check(err)
		if n, ok := line[args[0]].(float64); !ok || n >= most {
			ts.Fatalf("%s is %s, want less than %s", args[0], got, limit)
		}
	} else if got != args[1] {
		ts.Fatalf("%s is %q, want %q", args[0], got, args[1])
	}
}

// scriptFiles: "files DIR [NAME…]" demands that a folder holds these files and no others.
func scriptFiles(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	if got := strings.Join(names, " "); got != strings.Join(args[1:], " ") {
		ts.Fatalf("%s holds %q", args[0], got)
	}
}

// scriptCode: "code EXIT CODE COMMAND…" demands that a command ends with an exit code and a
// line of JSON with that code on stderr.
func scriptCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[2], args[3:]...)
	got, ok := err.(*exec.ExitError) //nolint:errorlint // Exec gives exactly this
	if !ok || fmt.Sprint(got.ExitCode()) != args[0] {
		ts.Fatalf("%v, want exit %s", err, args[0])
	}
	var problem struct{ Code, Message string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stderr")), &problem))
	if problem.Code != args[1] || problem.Message == "" {
		ts.Fatalf("code %q, want %q", problem.Code, args[1])
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout says %q", out)
	}
}
