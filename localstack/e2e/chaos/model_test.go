package chaos

import (
	"github.com/anishathalye/porcupine"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Two sequential specifications: what the system would be if it did one thing
// after the other and nothing ever failed. A history is linearizable if each
// operation can be given one instant between its call and its return, such that
// in the order of these instants the specification gives the same answers.

// roomLog is a room's log: a list that only grows, at its end, and that whoever
// asks sees whole. Its operations are appendText, readPage and askHead.
var roomLog = porcupine.Model{
	Init: func() any { return (*entry)(nil) },
	Step: func(state, input, output any) (bool, any) {
		log := state.(*entry)
		switch in := input.(type) {
		case appendText:
			// The answer is the text's place: the next one, so there are no
			// gaps.
			longer := &entry{seq: log.head() + 1, text: text(in), before: log}
			return output.(chat.Seq) == longer.seq, longer
		case readPage:
			out := output.(page)
			return out.head == log.head() && log.has(chat.Seq(in), out), log
		case askHead:
			return output.(chat.Seq) == log.head(), log
		}
		panic("no operation of a room's log")
	},
	Equal: func(a, b any) bool { return a.(*entry).equal(b.(*entry)) },
}

type (
	appendText text     // appends the text; the output is its chat.Seq
	readPage   chat.Seq // asks for what stands behind that seq; the output is a page
	askHead    struct{} // asks for the last seq; the output is a chat.Seq
)

// page is an answer to readPage: texts from the seq from on, and the log's
// head.
type page struct {
	head, from chat.Seq
	texts      []text
}

// entry is the last entry of a log, nil for the empty one. Logs share what they
// have in common, since the checker keeps one for every step that it tries.
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

// has says whether a page is what the log has behind a seq. The page may end
// before the log does, but not be empty while there is more.
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

// keyRegister is where the service keeps a device's newest key: a register that
// holds the key's generation, the first one at first. Its operations are rotate
// and seal.
var keyRegister = porcupine.Model{
	Init: func() any { return int64(1) },
	Step: func(state, input, _ any) (bool, any) {
		newest := state.(int64)
		switch in := input.(type) {
		case rotate:
			// To repeat the last rotation changes nothing.
			return int64(in) == newest || int64(in) == newest+1, int64(in)
		case seal:
			return int64(in) == newest, newest
		}
		panic("no operation of a key register")
	},
}

type (
	rotate int64 // makes the key of that generation the newest; no output
	seal   int64 // something is sealed, to the key of that generation; no output
)
