package p11_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"log"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
)

// Sign with the key that an RFC 7512 URI names.
func Example() {
	ctx := context.Background()
	uri, err := hsm.ParseURI("pkcs11:token=city;object=leader?pin-source=file:/run/secrets/pin")
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := p11.ConfigFor(uri, "/usr/lib/softhsm/libsofthsm2.so")
	if err != nil {
		log.Fatal(err)
	}
	token, err := p11.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer token.Close()
	key, err := token.Signer(ctx, uri.Key())
	if err != nil {
		log.Fatal(err)
	}
	digest := sha256.Sum256([]byte("Quyết định"))
	value, err := key.SignContext(ctx, digest[:], crypto.SHA256)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes\n", len(value))
}
