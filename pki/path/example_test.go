package path_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
)

// A signer's certificate is judged at the time of a time-stamp, with what the
// document holds, and nothing is fetched.
func ExampleValidate() {
	judge := func(signer *x509.Certificate, dss path.Evidence, stamped time.Time, anchors []path.AnchorList) string {
		r, err := path.Validate(context.Background(), signer, path.Options{Anchors: anchors, Evidence: dss, At: stamped})
		if err != nil {
			return string(path.CodeOf(err))
		}
		switch err := r.Check(); {
		case errors.Is(err, path.ErrRevoked):
			return "không hợp lệ"
		case err != nil:
			return "không xác định"
		}
		return "hợp lệ, danh sách " + r.Anchor
	}
	fmt.Println(judge(&x509.Certificate{}, path.Evidence{}, time.Now(), nil))
	// Output: path_no_anchor
}

// Evidence for B-LT is gathered over HTTP and goes into the document's DSS.
func ExampleCollect() {
	pem, err := os.ReadFile("anchors/neac.pem")
	if err != nil {
		log.Fatal(err)
	}
	list, err := path.ParseAnchors("neac", pem)
	if err != nil {
		log.Fatal(err)
	}
	var signer *x509.Certificate // from the signature
	r, err := path.Collect(context.Background(), signer, path.Options{
		Anchors: []path.AnchorList{list},
		Fetcher: &path.HTTPFetcher{Client: &http.Client{Timeout: 10 * time.Second}},
	}, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(r.Used.Certificates), len(r.Used.OCSPs), len(r.Used.CRLs))
}
