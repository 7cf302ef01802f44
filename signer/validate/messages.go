package validate

import (
	"fmt"
	"time"
)

// hanoi is the zone in which times are shown, whatever the server's (UTC+7, no summer time).
var hanoi = time.FixedZone("+07", 7*3600)

// words has, for each code, the text in Vietnamese and English. A %s stands for the argument.
func words(code string) (vi, en string) {
	w, ok := texts[code]
	if !ok {
		return code, code
	}
	return w[0], w[1]
}

func reason(code string, args ...any) Reason {
	vi, en := words(code)
	if len(args) == 0 {
		return Reason{Code: code, VI: vi, EN: en}
	}
	switch a := args[0].(type) {
	case time.Time:
		return Reason{Code: code, VI: fmt.Sprintf("%s (%s)", vi, a.In(hanoi).Format("15:04:05 02/01/2006 -07:00")), EN: fmt.Sprintf("%s (%s)", en, a.In(hanoi).Format(time.RFC3339))}
	default:
		return Reason{Code: code, VI: vi, EN: fmt.Sprintf("%s (%v)", en, a)}
	}
}

// refusal explains a REFUSED file.
func refusal(code string) Reason {
	if _, ok := texts[code]; ok {
		return reason(code)
	}
	return Reason{Code: code, VI: "Tệp không đọc được một cách chắc chắn nên không kiểm tra.", EN: "The file can't be read for certain, so it is not judged."}
}

// texts is read only.
var texts = map[string][2]string{
	// Files that are refused.
	"not_pdf":                {"Tệp không phải là PDF.", "The file is not a PDF."},
	"damaged":                {"Tệp PDF bị hỏng hoặc không đúng chuẩn.", "The PDF file is damaged or not well formed."},
	"truncated":              {"Tệp PDF bị cắt cụt.", "The PDF file is cut off."},
	"encrypted_password":     {"Tệp có mật khẩu; cần mật khẩu để kiểm tra.", "The file has a password, which is needed to judge it."},
	"public_key_security":    {"Tệp được mã hóa cho người khác.", "The file is encrypted for somebody's certificate."},
	"unsupported_encryption": {"Kiểu mã hóa của tệp không được hỗ trợ.", "The file's encryption is not supported."},
	"bomb":                   {"Tệp giải nén ra quá lớn.", "The file decompresses to too much."},
	"too_large":              {"Tệp vượt quá giới hạn.", "The file is beyond the limits."},
	"size_limit":             {"Tệp lớn hơn mức cho phép.", "The file is larger than is taken."},
	"time_limit":             {"Kiểm tra quá thời gian cho phép.", "Judging the file took longer than is allowed."},

	// The signature dictionary.
	"signature_not_dictionary": {"Trường chữ ký không chứa chữ ký.", "The field holds something that is no signature."},
	"duplicate_keys":           {"Từ điển chữ ký có khóa trùng lặp.", "A key of the signature dictionary stands twice."},
	"subfilter_unknown":        {"Kiểu chữ ký (SubFilter) không được chấp nhận.", "The signature's SubFilter is missing or not accepted."},
	"filter_missing":           {"Từ điển chữ ký thiếu Filter.", "The signature dictionary has no Filter."},
	"type_mismatch":            {"Loại của từ điển chữ ký không phù hợp.", "The Type of the signature dictionary does not fit."},
	"field_not_signature":      {"Chữ ký nằm trong trường không phải trường chữ ký.", "The signature stands in a field of another type."},
	"not_in_signed_revision":   {"Chữ ký không thuộc phiên bản mà nó ký.", "The signature does not belong to the revision that it signs."},
	"contents_missing":         {"Chữ ký không có nội dung.", "The signature has no Contents."},
	"contents_indirect":        {"Nội dung chữ ký không nằm trực tiếp trong từ điển.", "Contents is not a direct string."},
	"contents_hidden":          {"Không định vị được nội dung chữ ký.", "Contents has no place of its own in the file."},
	"contents_not_hex":         {"Nội dung chữ ký không ở dạng thập lục phân.", "Contents is not a hexadecimal string."},
	"contents_empty":           {"Nội dung chữ ký rỗng.", "Contents is empty."},
	"contents_not_der":         {"Nội dung chữ ký không đúng định dạng.", "Contents is not a DER value."},
	"contents_trailing":        {"Có dữ liệu lạ sau nội dung chữ ký.", "Something stands behind the signature in Contents."},
	"byterange_malformed":      {"ByteRange không đúng định dạng.", "ByteRange is not four direct non-negative integers."},
	"byterange_start":          {"ByteRange không bắt đầu từ đầu tệp.", "ByteRange does not start at the beginning of the file."},
	"byterange_outside":        {"ByteRange vượt ra ngoài tệp.", "ByteRange reaches outside the file."},
	"byterange_gap":            {"Phần ByteRange bỏ qua không đúng là nội dung chữ ký.", "The gap of the ByteRange is not exactly the signature's Contents."},
	"byterange_dictionary":     {"Từ điển chữ ký không nằm trong phần được ký.", "The signature dictionary does not stand in the bytes it signs."},
	"byterange_shared":         {"Hai chữ ký dùng chung một vùng ký.", "Two signatures share one ByteRange or dictionary."},
	"byterange_overlap":        {"Vùng ký của các chữ ký chồng lấn nhau.", "The ByteRanges of the signatures do not nest."},
	"coverage_no_eof":          {"Vùng ký không kết thúc ở cuối một phiên bản của tệp.", "The signed bytes do not end at the end of a revision."},
	"coverage_reads_behind":    {"Phiên bản được ký dùng dữ liệu nằm ngoài vùng ký.", "The signed revision reads bytes that were not signed."},
	"bytes_behind":             {"Có dữ liệu lạ được nối thêm sau phần được ký.", "Bytes that belong to no update stand behind the signed ones."},

	// The CMS.
	"cms_format":             {"Dữ liệu chữ ký không đúng chuẩn.", "The signature's CMS is not well formed."},
	"algorithm_unknown":      {"Thuật toán chữ ký không được hỗ trợ.", "The signature's algorithm is not known."},
	"algorithm_weak":         {"Thuật toán hoặc khóa không đủ an toàn.", "An algorithm or key is too weak."},
	"digest_mismatch":        {"Nội dung văn bản đã bị thay đổi sau khi ký.", "The signed bytes were changed."},
	"signature_wrong":        {"Giá trị chữ ký không đúng.", "The signature value is wrong."},
	"certificate_missing":    {"Không có chứng thư của người ký.", "The signer's certificate is missing."},
	"certificate_unreadable": {"Chữ ký kèm một chứng thư không đọc được.", "The signature carries a certificate that can't be read."},
	"certificate_altered":    {"Một chứng thư kèm theo đã bị sửa.", "A certificate that the signature carries was altered."},
	"ess_mismatch":           {"Chứng thư kèm theo không phải chứng thư đã dùng để ký.", "The signed reference names another certificate."},
	"ess_missing":            {"Chữ ký không ràng buộc chứng thư của người ký.", "The signature does not name its certificate."},

	// Certificates and times.
	"no_anchor":                 {"Chứng thư không dẫn tới tổ chức chứng thực được tin cậy.", "The certificate leads to no trusted authority."},
	"certificate_expired":       {"Chứng thư đã hết hạn và không có dấu thời gian chứng minh ký trước đó.", "The certificate has expired, and nothing proves that the signature is older."},
	"certificate_not_yet_valid": {"Chứng thư chưa có hiệu lực tại thời điểm kiểm tra.", "The certificate was not valid yet."},
	"certificate_revoked":       {"Chứng thư đã bị thu hồi hoặc tạm dừng; không có bằng chứng ký trước đó.", "The certificate was revoked or suspended, and nothing proves that the signature is older."},
	"ca_revoked":                {"Chứng thư của tổ chức cấp đã bị thu hồi.", "A certificate of the issuing authority was revoked."},
	"chain_constraints":         {"Đường dẫn chứng thực không hợp quy định.", "The certification path breaks a constraint."},
	"key_usage":                 {"Chứng thư không dùng để ký văn bản.", "The certificate is not for signing documents."},
	"revocation_unknown":        {"Không kiểm tra được trạng thái chứng thư (CRL/OCSP không phản hồi). Kết quả chưa xác định.", "The certificate's revocation status could not be established. Try later."},
	"timestamp_malformed":       {"Dấu thời gian không đúng định dạng.", "A time-stamp is not well formed."},
	"timestamp_wrong":           {"Dấu thời gian không đúng.", "A time-stamp does not verify."},
	"timestamp_untrusted":       {"Dấu thời gian chưa được tin cậy nên không dùng để xác định thời điểm ký.", "A time-stamp is not trusted, so it proves no time."},
	"timestamp_future":          {"Dấu thời gian muộn hơn thời điểm kiểm tra.", "The time-stamp is later than the time of judgement."},
	"imprint_mismatch":          {"Dấu thời gian được cấp cho dữ liệu khác.", "The time-stamp is of something else."},
	"tsa_usage":                 {"Chứng thư không dùng để cấp dấu thời gian.", "The certificate is not one for time-stamps only."},
	"tsa_time":                  {"Dấu thời gian nằm ngoài thời hạn chứng thư của nó.", "The time-stamp is outside the validity of its certificate."},
	"tsa_no_anchor":             {"Chứng thư của dấu thời gian không dẫn tới tổ chức được tin cậy.", "The time-stamp's certificate leads to no trusted authority."},
	"tsa_expired":               {"Chứng thư của dấu thời gian đã hết hạn và không được gia hạn lưu trữ.", "The time-stamp's certificate has expired, and no later time-stamp covers it."},
	"claimed_after_timestamp":   {"Thời điểm ký tự khai muộn hơn dấu thời gian.", "The claimed time is later than the time-stamp."},

	// Changes.
	"modified":             {"Văn bản đã bị thay đổi sau khi ký.", "The document was changed after it was signed."},
	"modified_annotations": {"Chú thích đã được thêm hoặc sửa sau khi ký.", "Annotations were added or changed after signing."},
	"fields_filled":        {"Sau khi ký chỉ có trường biểu mẫu trống được điền hoặc chữ ký được thêm.", "Since signing, only empty fields were filled or signatures added."},
	"docmdp_broken":        {"Thay đổi trái với quyền mà chữ ký xác nhận cho phép.", "The change breaks what the certification permits."},
	"field_locked":         {"Trường đã bị khóa nhưng vẫn bị thay đổi.", "A locked field was changed."},
	"docmdp_twice":         {"Chữ ký có hai quy định DocMDP.", "The signature has two DocMDP transforms."},
	"docmdp_not_first":     {"Chữ ký xác nhận không phải là chữ ký đầu tiên.", "A certification is not the document's first signature."},
	"docmdp_perms":         {"Quyền của văn bản không trỏ tới chữ ký xác nhận.", "Perms does not point to the certification."},
}
