package appearance_test

import (
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// A copy made by an agency is marked at the top right of its first page.
func Example() {
	page := appearance.Page{MediaBox: appearance.Rect{0, 0, 595.28, 841.89}}
	lines := appearance.CopyLines(appearance.SaoY, "Sở Nội vụ", time.Date(2020, 1, 5, 1, 9, 10, 0, time.UTC))
	at, err := appearance.TextStampPlace(page, lines)
	if err != nil {
		fmt.Println(err)
		return
	}
	form, err := appearance.NewTextForm(at, lines, appearance.Plain)
	if err != nil {
		fmt.Println(err)
		return
	}
	objects, err := form.Objects(100) // 100 0 R is the widget's /AP /N
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f %d\n", at.Rect, len(objects))
	// Output: [382.78 797.39 552.78 831.89] 7
}
