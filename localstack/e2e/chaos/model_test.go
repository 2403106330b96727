package chaos

import (
	"github.com/anishathalye/porcupine"

	"github.com/sotto-chat/sotto/shared/chat"
)

// These are two sequential specifications: the system as if it did one
// operation after the other, without faults. A history is linearizable if each
// operation can be given one instant between its call and its return, such that
// the specification gives the same answers in the order of these instants.

// roomLog is the model of a room's log: a list that grows only at its end and
// that every read sees whole. Its operations are appendText, readPage and
// askHead.
var roomLog = porcupine.Model{
	Init: func() any { return (*entry)(nil) },
	Step: func(state, input, output any) (bool, any) {
		log := state.(*entry)
		switch in := input.(type) {
		case appendText:
			// The answer is the next seq, so there are no gaps.
			longer := &entry{seq: log.head() + 1, text: text(in), before: log}
			return output.(chat.Seq) == longer.seq, longer
		case readPage:
			out := output.(page)
			return out.head == log.head() && log.has(chat.Seq(in), out), log
		case askHead:
			return output.(chat.Seq) == log.head(), log
		}
		panic("not an operation of a room's log")
	},
	Equal: func(a, b any) bool { return a.(*entry).equal(b.(*entry)) },
}

type (
	appendText text     // appends the text; the output is its chat.Seq
	readPage   chat.Seq // asks for the texts after that seq; the output is a page
	askHead    struct{} // asks for the head; the output is a chat.Seq
)

// page is an answer to readPage: texts from seq from on, and the log's head.
type page struct {
	head, from chat.Seq
	texts      []text
}

// entry is the last entry of a log, nil for the empty log. Logs share their
// common beginning, since the checker keeps a log for every step that it tries.
type entry struct {
	seq    chat.Seq
	text   text
	before *entry
}

func (e *entry) head() chat.Seq {
	if e == nil {
		return 0
	}
	return e.seq
}

// has reports whether a page is what the log has after a seq. A page may end
// before the log does, but may not be empty while the log has more.
func (e *entry) has(after chat.Seq, p page) bool {
	if len(p.texts) == 0 {
		return after >= e.head()
	}
	last := p.from + chat.Seq(len(p.texts)) - 1
	if p.from != after+1 || last > e.head() {
		return false
	}
	for ; e != nil && e.seq >= p.from; e = e.before {
		if e.seq <= last && e.text != p.texts[e.seq-p.from] {
			return false
		}
	}
	return true
}

func (e *entry) equal(f *entry) bool {
	for ; e != f; e, f = e.before, f.before {
		if e == nil || f == nil || e.seq != f.seq || e.text != f.text {
			return false
		}
	}
	return true
}

// keyRegister is the model of a place where the service keeps a device's newest
// key: a register with the key's generation, at first 1. Its operations are
// rotate and seal.
var keyRegister = porcupine.Model{
	Init: func() any { return int64(1) },
	Step: func(state, input, _ any) (bool, any) {
		newest := state.(int64)
		switch in := input.(type) {
		case rotate:
			// Repeating the last rotation changes nothing.
			return int64(in) == newest || int64(in) == newest+1, int64(in)
		case seal:
			return int64(in) == newest, newest
		}
		panic("not an operation of a key register")
	},
}

type (
	rotate int64 // makes the key of that generation the newest; no output
	seal   int64 // something is sealed to the key of that generation; no output
)
