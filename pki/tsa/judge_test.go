package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/digitorus/timestamp"
	"github.com/kyso-vn/kyso/pki/cms"
)

func TestOpenSSLAcceptsOurAnswers(t *testing.T) {
	t.Parallel()
	for _, a := range authorities(t) {
		for _, hash := range []string{"sha256", "sha384", "sha512"} {
			t.Run(a.name+" "+hash, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, "data", []byte("văn bản\n"))
				write(t, dir, "root.pem", certPEM(a.root))
				write(t, dir, "tsa.pem", certPEM(a.opts.Certificate))
				openssl(t, dir, "ts", "-query", "-data", "data", "-"+hash, "-cert", "-tspolicy", testPolicy.String(), "-out", "q")
				resp, o := a.server(t).Respond(context.Background(), read(t, dir, "q"))
				if o.Err != nil {
					t.Fatal(o.Err)
				}
				write(t, dir, "r", resp)
				if a.name == "RSA-PSS" { // openssl ts stands on PKCS7, which knows no PSS
					openssl(t, dir, "ts", "-reply", "-in", "r", "-token_out", "-out", "token")
					openssl(t, dir, "cms", "-verify", "-cades", "-inform", "DER", "-in", "token", "-CAfile", "root.pem",
						"-purpose", "timestampsign", "-out", "tstinfo")
					return
				}
				openssl(t, dir, "ts", "-verify", "-queryfile", "q", "-in", "r", "-CAfile", "root.pem")
				openssl(t, dir, "ts", "-verify", "-data", "data", "-in", "r", "-CAfile", "root.pem")

				// Without certReq the certificate stays outside.
				openssl(t, dir, "ts", "-query", "-data", "data", "-"+hash, "-no_nonce", "-out", "q2")
				resp, o = a.server(t).Respond(context.Background(), read(t, dir, "q2"))
				if o.Err != nil {
					t.Fatal(o.Err)
				}
				if bytes.Contains(resp, a.opts.Certificate.Raw) {
					t.Error("certificate inside although not asked for")
				}
				write(t, dir, "r2", resp)
				openssl(t, dir, "ts", "-verify", "-queryfile", "q2", "-in", "r2", "-CAfile", "root.pem", "-untrusted", "tsa.pem")
			})
		}
	}
}

func TestOpenSSLReadsOurRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "data", []byte("x"))
	openssl(t, dir, "ts", "-query", "-data", "data", "-sha1", "-out", "q")
	resp, o := authorities(t)[0].server(t).Respond(context.Background(), read(t, dir, "q"))
	if o.Failure != BadAlg {
		t.Fatalf("outcome %+v", o)
	}
	write(t, dir, "r", resp)
	if out := openssl(t, dir, "ts", "-reply", "-in", "r", "-text"); !strings.Contains(out, "Rejected") ||
		!strings.Contains(out, "unrecognized or unsupported algorithm identifier") {
		t.Errorf("openssl reads %s", out)
	}
}

func TestDigitorusAcceptsOurAnswers(t *testing.T) {
	t.Parallel()
	for _, a := range authorities(t) {
		if a.name == "RSA-PSS" {
			continue // that library verifies no PSS; openssl judges it above
		}
		query := must(timestamp.CreateRequest(strings.NewReader("x"), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true}))(t)
		resp, o := a.server(t).Respond(context.Background(), query)
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		ts, err := timestamp.ParseResponse(resp)
		if err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		digest := sha256.Sum256([]byte("x"))
		if !bytes.Equal(ts.HashedMessage, digest[:]) || !ts.Time.Equal(o.Info.GenTime) || !ts.Policy.Equal(testPolicy) ||
			ts.SerialNumber.Cmp(o.Info.Serial) != 0 || ts.Accuracy != a.opts.Accuracy && ts.Accuracy.Seconds() != 1 {
			t.Errorf("%s: read as %+v", a.name, ts)
		}
	}
}

// TestWeAcceptTokensOfOpenSSL has openssl be the authority: it writes an
// accuracy with milliseconds, a tsa name, and signing-time.
func TestWeAcceptTokensOfOpenSSL(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, must(rsaKey())(t), nil)
	dir := t.TempDir()
	write(t, dir, "data", []byte("x"))
	write(t, dir, "tsa.pem", certPEM(a.opts.Certificate))
	write(t, dir, "root.pem", certPEM(a.root))
	write(t, dir, "serial", []byte("01\n"))
	key := must(x509.MarshalPKCS8PrivateKey(a.opts.Signer))(t)
	write(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	write(t, dir, "ts.cnf", []byte("[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_digest=sha256\n"+
		"default_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:2, millisecs:500, microsecs:100\nordering=yes\ntsa_name=yes\n"+
		"ess_cert_id_chain=yes\ness_cert_id_alg=sha256\nclock_precision_digits=3\n"))
	openssl(t, dir, "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "q")
	openssl(t, dir, "ts", "-reply", "-config", "ts.cnf", "-section", "t", "-queryfile", "q", "-signer", "tsa.pem",
		"-inkey", "key.pem", "-chain", "root.pem", "-out", "r")
	resp := must(ParseResponse(read(t, dir, "r")))(t)
	if !resp.Granted() {
		t.Fatalf("response %+v", resp)
	}
	token := must(ParseToken(resp.Token, cms.Limits{}))(t)
	digest := sha256.Sum256([]byte("x"))
	v := must(token.Verify(digest[:], VerifyOptions{}))(t)
	if !v.Certificate.Equal(a.opts.Certificate) || token.Accuracy.Microseconds() != 2500100 || !token.Ordering || token.Nonce == nil {
		t.Errorf("read as %+v", token.Info)
	}
}
