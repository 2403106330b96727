package terminal

import (
	"slices"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
)

// entry is a message on the screen: one of the room's log, or a draft, which is
// a message of the user that is not in the log yet.
type entry struct {
	client.Message
	draft int  // number of a draft
	sent  bool // the draft has been passed to the client
	acked bool // the draft is stored at Seq, but messages before it are missing
	// refusal is the reason why the draft was not stored.
	refusal string

	lines []string // of the body
	width int      // of lines
}

// timeline holds a room's messages in order, followed by the drafts.
type timeline struct {
	entries []*entry
	drafts  []*entry
	// bottom is the entry at the lower edge and line the index of its line
	// there. They stay in place while messages are added above and below. nil
	// follows the newest message.
	bottom   *entry
	line     int
	selected *entry // the selected message

	cache []line
	key   renderKey
	dirty bool
}

// touch makes render draw the timeline again.
func (t *timeline) touch() { t.dirty = true }

// restart empties the log and keeps the drafts that are not stored.
func (t *timeline) restart() {
	t.entries, t.bottom, t.selected = nil, nil, nil
	t.drafts = slices.DeleteFunc(t.drafts, func(d *entry) bool { return d.acked })
	t.touch()
}

// first and last return the seqs of the first and last entry, 0 if there is
// none.
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

// add appends a message. It ignores one that is already there, and replaces the
// draft of the same message.
func (t *timeline) add(m client.Message) {
	if m.Seq <= t.last() {
		if e := t.at(m.Seq); e != nil && !e.Evidence.Verified {
			e.Message = m // replaces what the ack said
		}
		return
	}
	e := &entry{Message: m}
	t.entries = append(t.entries, e)
	// The ack may arrive after the message. The drafts of a room are sent one
	// after another, so the message belongs to the one that is being sent.
	for i, d := range t.drafts {
		if d.acked && d.Seq <= m.Seq || d.sent && !d.acked && d.refusal == "" && d.From == m.From &&
			d.Device == m.Device && d.Body == m.Body {
			t.replaceDraft(i, e)
			break
		}
	}
	t.touch()
}

// prepend inserts messages of the history before the others.
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

// write adds a draft.
func (t *timeline) write(e *entry) {
	t.drafts = append(t.drafts, e)
	t.bottom, t.selected = nil, nil
	t.touch()
}

// draft returns the draft with a number and its index, or nil.
func (t *timeline) draft(number int) (*entry, int) {
	i := slices.IndexFunc(t.drafts, func(d *entry) bool { return d.draft == number })
	if i < 0 {
		return nil, -1
	}
	return t.drafts[i], i
}

// next returns the draft to send now: the first that was not refused, or nil
// while one is being sent, so that they are stored in the order of writing.
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

// stored records the place of a draft in the log. It becomes an entry if no
// messages are missing before it.
func (t *timeline) stored(number int, ack client.Ack) {
	d, i := t.draft(number)
	if d == nil {
		return
	}
	d.Epoch, d.Seq, d.ID, d.StoredAt, d.acked = ack.Epoch, ack.Seq, ack.ID, ack.StoredAt, true
	switch {
	case ack.Seq <= t.last():
		t.replaceDraft(i, t.at(ack.Seq))
	case ack.Seq == t.last()+1:
		e := &entry{Message: d.Message}
		t.entries = append(t.entries, e)
		t.replaceDraft(i, e)
	default: // messages before it are missing; add replaces it
		t.touch()
	}
}

// replaceDraft removes a draft and selects e instead of it.
func (t *timeline) replaceDraft(i int, e *entry) {
	d := t.drafts[i]
	t.drafts = slices.Delete(t.drafts, i, i+1)
	if t.selected == d {
		t.selected = e
	}
	if t.bottom == d {
		t.bottom = e
	}
	t.touch()
}

// at returns the entry with a seq, or nil.
func (t *timeline) at(seq chat.Seq) *entry {
	i, found := slices.BinarySearchFunc(t.entries, seq, func(e *entry, seq chat.Seq) int { return int(e.Seq - seq) })
	if !found {
		return nil
	}
	return t.entries[i]
}

// all returns the entries and the drafts in the order of the screen.
func (t *timeline) all() []*entry { return slices.Concat(t.entries, t.drafts) }

// moveSelection moves the selection by a number of messages. The first
// selection is the newest message.
func (t *timeline) moveSelection(by int) {
	all := t.all()
	if len(all) == 0 {
		return
	}
	i := slices.Index(all, t.selected)
	if i < 0 {
		i = len(all)
		by = -1
	}
	t.selected = all[min(max(i+by, 0), len(all)-1)]
	t.touch()
}

// unsent returns the number of drafts.
func (t *timeline) unsent() int { return len(t.drafts) }
