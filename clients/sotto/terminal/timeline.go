package terminal

import (
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// entry is a message on the screen: one of the room's log, or one of the user's
// own that is not in it yet.
type entry struct {
	client.Message
	draft int  // the number of an own message while it is not in the log
	sent  bool // it has been handed to the client
	acked bool // and is in the log, at its Seq, which is still to come
	// refusal says why it was not stored.
	refusal string

	lines []string // of the body
	width int      // that they are broken for
}

// timeline holds a room's messages in their order, and after them the user's
// own that are still on their way.
type timeline struct {
	entries []*entry
	drafts  []*entry
	// bottom is the entry at the lower edge, and line which of its lines: what
	// stays in place while messages come above and below. nil follows the
	// newest.
	bottom *entry
	line   int
	chosen *entry // the message that keys act on

	cache []line
	key   renderKey
	dirty bool
}

func (t *timeline) touch() { t.dirty = true }

// restart empties the log; own messages stay to be sent.
func (t *timeline) restart() {
	t.entries, t.bottom, t.chosen = nil, nil, nil
	t.drafts = slices.DeleteFunc(t.drafts, func(d *entry) bool { return d.acked })
	t.touch()
}

// first and last are the seqs of the log's ends here, 0 if there is none.
func (t *timeline) first() chat.Seq {
	if len(t.entries) == 0 {
		return 0
	}
	return t.entries[0].Seq
}

func (t *timeline) last() chat.Seq {
	if len(t.entries) == 0 {
		return 0
	}
	return t.entries[len(t.entries)-1].Seq
}

// add puts a message behind the others. One that is there already stays single,
// and an own one takes the place of its draft.
func (t *timeline) add(m client.Message) {
	if m.Seq <= t.last() {
		if e := t.at(m.Seq); e != nil && !e.Evidence.Verified {
			e.Message = m // until now there was only the ack
		}
		return
	}
	e := &entry{Message: m}
	t.entries = append(t.entries, e)
	// The ack may come after the message itself. The drafts of a room are sent
	// one after another, so what comes is the one that was handed over.
	for i, d := range t.drafts {
		if d.acked && d.Seq <= m.Seq || d.sent && !d.acked && d.refusal == "" && d.From == m.From &&
			d.Device == m.Device && d.Body == m.Body {
			t.forget(i, e)
			break
		}
	}
	t.touch()
}

// prepend puts messages of the history before the others.
func (t *timeline) prepend(messages []client.Message) {
	var older []*entry
	for _, m := range messages {
		if first := t.first(); first == 0 || m.Seq < first {
			older = append(older, &entry{Message: m})
		}
	}
	t.entries = slices.Concat(older, t.entries)
	t.touch()
}

// write adds an own message that is to be sent.
func (t *timeline) write(e *entry) {
	t.drafts = append(t.drafts, e)
	t.bottom, t.chosen = nil, nil
	t.touch()
}

// draft finds an own message that is not in the log yet.
func (t *timeline) draft(number int) (*entry, int) {
	i := slices.IndexFunc(t.drafts, func(d *entry) bool { return d.draft == number })
	if i < 0 {
		return nil, -1
	}
	return t.drafts[i], i
}

// next is the own message to send now: the first that nobody has refused, and
// none while one is on its way, so that they arrive in the order of writing.
func (t *timeline) next() *entry {
	for _, d := range t.drafts {
		if d.refusal == "" && !d.acked {
			if d.sent {
				return nil
			}
			return d
		}
	}
	return nil
}

// stored notes where an own message stands in the log. It is shown from now on
// as if it had come, which it will.
func (t *timeline) stored(number int, ack client.Ack) {
	d, i := t.draft(number)
	if d == nil {
		return
	}
	d.Epoch, d.Seq, d.ID, d.StoredAt, d.acked = ack.Epoch, ack.Seq, ack.ID, ack.StoredAt, true
	switch {
	case ack.Seq <= t.last():
		t.forget(i, t.at(ack.Seq))
	case ack.Seq == t.last()+1:
		e := &entry{Message: d.Message}
		t.entries = append(t.entries, e)
		t.forget(i, e)
	default: // messages before it are on their way, and then itself
		t.touch()
	}
}

// forget drops a draft in favour of an entry of the log.
func (t *timeline) forget(i int, e *entry) {
	d := t.drafts[i]
	t.drafts = slices.Delete(t.drafts, i, i+1)
	if t.chosen == d {
		t.chosen = e
	}
	if t.bottom == d {
		t.bottom = e
	}
	t.touch()
}

// at finds the entry of a seq, nil if it is not here.
func (t *timeline) at(seq chat.Seq) *entry {
	i, found := slices.BinarySearchFunc(t.entries, seq, func(e *entry, seq chat.Seq) int { return int(e.Seq - seq) })
	if !found {
		return nil
	}
	return t.entries[i]
}

// all are the entries as they stand on the screen.
func (t *timeline) all() []*entry { return slices.Concat(t.entries, t.drafts) }

// choose moves the choice by a number of messages. It begins at the newest.
func (t *timeline) choose(by int) {
	all := t.all()
	if len(all) == 0 {
		return
	}
	i := slices.Index(all, t.chosen)
	if i < 0 {
		i = len(all)
		by = -1
	}
	t.chosen = all[min(max(i+by, 0), len(all)-1)]
	t.touch()
}

// unsent counts the own messages that are not in the log.
func (t *timeline) unsent() int { return len(t.drafts) }
