package routing

// State is where a document is on its way.
type State string

// The states. Waiting, Signing and Signed have somebody's turn or work ahead; the others
// are final.
const (
	Waiting   State = "waiting"   // chờ ký
	Signing   State = "signing"   // đang ký: a signature is released and being written
	Signed    State = "signed"    // đã ký by the leader; final when no seal is to come
	Issued    State = "issued"    // đã đóng dấu, phát hành
	Refused   State = "refused"   // từ chối
	Returned  State = "returned"  // trả lại
	Withdrawn State = "withdrawn" // thu hồi
	Expired   State = "expired"   // hết hạn
	Failed    State = "failed"    // lỗi
)

var stateVI = map[State]string{
	Waiting: "Chờ ký", Signing: "Đang ký", Signed: "Đã ký", Issued: "Đã phát hành", Refused: "Từ chối",
	Returned: "Trả lại", Withdrawn: "Thu hồi", Expired: "Hết hạn", Failed: "Lỗi",
}

// VI is the state in words.
func (s State) VI() string { return stateVI[s] }

// StepKind is what somebody does to a document.
type StepKind string

// The kinds of step.
const (
	Initial StepKind = "initial" // ký nháy
	Leader  StepKind = "leader"  // ký của người có thẩm quyền
	Seal    StepKind = "seal"    // ký số cơ quan by the clerk, with number and date
	Copy    StepKind = "copy"    // sao y, sao lục, trích sao
)

var stepVI = map[StepKind]string{Initial: "Ký nháy", Leader: "Ký", Seal: "Cấp số và đóng dấu", Copy: "Sao"}

// VI is the kind of step in words.
func (k StepKind) VI() string { return stepVI[k] }

// StepState is where a step is.
type StepState string

// The states of a step.
const (
	StepComing  StepState = "coming"
	StepWaiting StepState = "waiting"
	StepSigning StepState = "signing"
	StepDone    StepState = "done"
	StepVoid    StepState = "void" // the document ended before it
)

// Urgency is độ khẩn; the zero value is ordinary.
type Urgency string

// The urgencies of Decree 30/2020.
const (
	UrgencyNormal   Urgency = "thuong"
	UrgencyUrgent   Urgency = "khan"
	UrgencyVery     Urgency = "thuong_khan"
	UrgencyAtOnce   Urgency = "hoa_toc"
	highestUrgency          = 3
	urgencyUnknown          = -1
	secrecyOrdinary         = "thuong"
)

var urgencies = []Urgency{UrgencyNormal, UrgencyUrgent, UrgencyVery, UrgencyAtOnce}

var urgencyVI = map[Urgency]string{
	UrgencyNormal: "Thường", UrgencyUrgent: "KHẨN", UrgencyVery: "THƯỢNG KHẨN", UrgencyAtOnce: "HỎA TỐC",
}

// VI is the urgency in words.
func (u Urgency) VI() string { return urgencyVI[u] }

// rank is 0 for ordinary to 3 for at once, urgencyUnknown for anything else.
func (u Urgency) rank() int {
	if u == "" {
		return 0
	}
	for i, x := range urgencies {
		if u == x {
			return i
		}
	}
	return urgencyUnknown
}

// Act is what an actor asks to do with the current step.
type Act string

// The acts, each fitting one kind of step.
const (
	ActInitial Act = "initial"
	ActSign    Act = "sign"
	ActSeal    Act = "seal"
	ActCopy    Act = "copy"
)

var actStep = map[Act]StepKind{ActInitial: Initial, ActSign: Leader, ActSeal: Seal, ActCopy: Copy}

func actOf(k StepKind) Act {
	for a, step := range actStep {
		if step == k {
			return a
		}
	}
	return ""
}
