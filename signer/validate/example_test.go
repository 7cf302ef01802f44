package validate_test

import (
	"context"
	"fmt"
	"os"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer/validate"
)

func ExampleFile() {
	f, err := os.Open("../../testdata/pdf/to-trinh.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	var anchors []path.AnchorList // see path.ParseAnchors
	report, err := validate.File(context.Background(), f, info.Size(), validate.Options{Name: "to-trinh.pdf", Anchors: anchors})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verdict, "-", report.Words(validate.Vietnamese))
	for _, s := range report.Signatures {
		fmt.Println(s.Field, s.Signer, s.Indication.Words(validate.Vietnamese), s.Reasons)
	}
	// Output: NO_SIGNATURE - không có chữ ký số
}
