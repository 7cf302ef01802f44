package ca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/profile"
)

// A root is made by the same two steps as any certificate.
func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader) // in production: a key in an HSM
	if err != nil {
		log.Fatal(err)
	}
	profiles, err := profile.Builtin(profile.Options{})
	if err != nil {
		log.Fatal(err)
	}
	root, err := profiles.Get("root")
	if err != nil {
		log.Fatal(err)
	}
	authority, err := ca.New(ca.Config{Signer: key})
	if err != nil {
		log.Fatal(err)
	}
	draft, err := authority.Prepare(ca.Request{
		Profile: root,
		Subject: pki.Subject{
			{Type: pki.Country, Value: "VN"},
			{Type: pki.OrganizationName, Value: "Ủy ban nhân dân Thành phố"},
			{Type: pki.CommonName, Value: "Root CA"},
		},
		PublicKey: key.Public(),
	})
	if err != nil {
		log.Fatal(err)
	}
	// Here draft.Serial() and draft.TBS() are recorded, and the record committed.
	certificate, err := authority.Issue(context.Background(), draft)
	if err != nil {
		log.Fatal(err)
	}
	name, err := pki.DisplayName(certificate.RawSubject)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(name)
	fmt.Println(certificate.SignatureAlgorithm)
	// Output:
	// C=VN, O=Ủy ban nhân dân Thành phố, CN=Root CA
	// ECDSA-SHA384
}
