package ocsp_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log"
	"net/http"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

// nothingIssued is the smallest source: whatever is asked for is unknown.
type nothingIssued struct{}

func (nothingIssued) Status(_ context.Context, _ *x509.Certificate, serials []pki.Serial) ([]ocsp.Status, error) {
	return make([]ocsp.Status, len(serials)), nil
}

func ExampleHandler() {
	var config ocsp.Config // Issuer, Certificate and Signer come from the ceremony
	config.Source = nothingIssued{}
	responder, err := ocsp.New(config)
	if err != nil {
		fmt.Println(pki.CodeOf(err))
		return
	}
	http.Handle("/ocsp/citizens/", http.StripPrefix("/ocsp/citizens", &ocsp.Handler{
		Responder: responder,
		OnError:   func(_ context.Context, err error) { log.Print(err) },
	}))
	// Output: ocsp_config
}
