package cms_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

// A signature is prepared, stored, signed elsewhere, finished and verified.
func Example() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	cert := selfSigned(key)
	digest := sha256.Sum256([]byte("Quyết định số 01/QĐ-UBND"))

	tmpl, err := cms.NewTemplate(cms.Options{Certificate: cert})
	if err != nil {
		fmt.Println(err)
		return
	}
	draft, _ := tmpl.Draft(digest[:])
	stored, _ := json.Marshal(draft)

	var restored cms.Draft
	if err := json.Unmarshal(stored, &restored); err != nil {
		fmt.Println(err)
		return
	}
	value, _ := crypto.SignMessage(key, rand.Reader, restored.SignedAttrs(), restored.SignerOpts())
	der, _ := restored.Assemble(value)

	sd, _ := cms.Parse(der, cms.Limits{})
	result, err := sd.Verify(digest[:], cms.VerifyOptions{})
	fmt.Println(result.Certificate.Subject.CommonName, result.Scheme, err)

	digest[0] ^= 1
	_, err = sd.Verify(digest[:], cms.VerifyOptions{})
	fmt.Println(cms.CodeOf(err))
	// Output:
	// Nguyễn Văn Ký ecdsa <nil>
	// cms_digest_mismatch
}

func selfSigned(key crypto.Signer) *x509.Certificate {
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Nguyễn Văn Ký"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil
	}
	cert, _ := x509.ParseCertificate(der)
	return cert
}
