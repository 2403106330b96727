package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sotto-chat/sotto/shared/chat"
)

// decision bounds how long the checker may think about one partition. One that
// it cannot decide counts as wrong.
const decision = 2 * time.Minute

// view is one room's log as somebody saw it, from the first message on.
type view struct {
	who   string
	room  chat.Room
	texts []text
}

// lostOrDoubled checks the first promise: what was acknowledged stands in
// everybody's log, exactly once, where the acknowledgement said, and all logs
// are the same. log is the one of a client that came when all was over; nothing
// stands in it that was not sent to that room.
func lostOrDoubled(log view, others []view, operations []*operation) (wrong []string, lost int) {
	sent := map[text]*operation{}
	for _, o := range operations {
		if o.Kind == kindSend && o.Room == log.room {
			sent[o.Text] = o
		}
	}
	places := map[text][]chat.Seq{}
	for i, t := range log.texts {
		places[t] = append(places[t], chat.Seq(i+1))
		if sent[t] == nil {
			wrong = append(wrong, fmt.Sprintf("%s: seq %d holds text %d, which nobody sent there", log.room, i+1, t))
		}
	}
	for t, seqs := range places {
		if len(seqs) > 1 {
			wrong = append(wrong, fmt.Sprintf("%s: text %d stands at %v", log.room, t, seqs))
		}
	}
	for t, o := range sent {
		if o.answered() && !slices.Contains(places[t], o.Seq) {
			wrong = append(wrong, fmt.Sprintf("%s: text %d was acknowledged at seq %d, and stands at %v",
				log.room, t, o.Seq, places[t]))
			lost++
		}
	}
	for _, v := range others {
		if v.room == log.room && !slices.Equal(v.texts, log.texts) {
			wrong = append(wrong, fmt.Sprintf("%s: %s", log.room, difference(v, log)))
		}
	}
	slices.Sort(wrong)
	return wrong, lost
}

// difference says where two views part.
func difference(v, log view) string {
	for i := range min(len(v.texts), len(log.texts)) {
		if v.texts[i] != log.texts[i] {
			return fmt.Sprintf("at seq %d %s has text %d, and %s %d", i+1, v.who, v.texts[i], log.who, log.texts[i])
		}
	}
	return fmt.Sprintf("%s has %d messages, and %s %d", v.who, len(v.texts), log.who, len(log.texts))
}

// sendsByPlace finds the send of each message that stands in a log.
func sendsByPlace(logs []view, operations []*operation) map[chat.Room]map[chat.Seq]*operation {
	byText := map[text]*operation{}
	for _, o := range operations {
		if o.Kind == kindSend {
			byText[o.Text] = o
		}
	}
	places := map[chat.Room]map[chat.Seq]*operation{}
	for _, log := range logs {
		places[log.room] = map[chat.Seq]*operation{}
		for i, t := range log.texts {
			places[log.room][chat.Seq(i+1)] = byText[t]
		}
	}
	return places
}

// seals makes an operation of everything that was sealed to a device: its key
// was read between the send of the message and its arrival, or between the
// request of a page and its answer.
func (h *history) seals(places map[chat.Room]map[chat.Seq]*operation) (seals []*operation, wrong []string) {
	gen := func(user chat.User, key string) int64 {
		g, known := h.generation[key]
		if !known {
			wrong = append(wrong, fmt.Sprintf("%s got something sealed to %s, which is no key of its device",
				user, key))
		}
		return g
	}
	for _, d := range h.deliveries {
		sent := places[d.Room][d.Seq]
		if sent == nil {
			wrong = append(wrong, fmt.Sprintf("%s got a message at %s %d, which is not in the log", d.User,
				d.Room, d.Seq))
			continue
		}
		seals = append(seals, &operation{
			Kind:   kindSealed,
			User:   d.User,
			Call:   sent.Call,
			Return: d.At,
			Room:   d.Room,
			Seq:    d.Seq,
			Gen:    gen(d.User, d.Key),
			Row:    fmt.Sprintf("connection %d in %s", d.Connection, d.Room),
		})
	}
	for _, p := range h.pages {
		seals = append(seals, &operation{
			Kind:   kindSealed,
			User:   p.User,
			Call:   p.Call,
			Return: p.Return,
			Gen:    gen(p.User, p.Key),
		})
	}
	return seals, wrong
}

// stale checks the second promise: nothing is sealed to a key older than the
// last rotation that was acknowledged before the send began.
func stale(seals, operations []*operation) (wrong []string) {
	for _, s := range seals {
		for _, r := range operations {
			if r.Kind == kindRotate && r.User == s.User && r.Return < s.Call && r.Gen > s.Gen {
				wrong = append(wrong, fmt.Sprintf("%s: %s %d was sealed to generation %d, though %d was acknowledged before it was sent", s.User, s.Room, s.Seq, s.Gen, r.Gen))
				break
			}
		}
	}
	return wrong
}

// partition is a part of the history that is linearizable by itself.
type partition struct {
	name       string
	model      porcupine.Model
	operations []porcupine.Operation
}

// logPartitions makes a partition of each room's log.
//
// An append without an answer is given the place at which its text stands in
// the end, and may still happen whenever it likes. If it stands nowhere it
// never happened, which is one of the two things that may happen to it: had it
// stood somewhere before, a read would show a text that nothing appends.
func logPartitions(logs []view, operations []*operation) (partitions []partition) {
	for _, log := range logs {
		p := partition{name: "log of " + string(log.room), model: roomLog}
		last := instant(0)
		for _, o := range operations {
			if o.Room != log.room {
				continue
			}
			op := porcupine.Operation{Call: int64(o.Call), Return: int64(o.Return)}
			switch at := slices.Index(log.texts, o.Text); {
			case o.Kind == kindSend && o.answered():
				op.Input, op.Output = appendText(o.Text), o.Seq
			case o.Kind == kindSend && at >= 0:
				op.Input, op.Output = appendText(o.Text), chat.Seq(at+1)
			case o.Kind == kindRead && o.answered():
				op.Input, op.Output = readPage(o.After), page{head: o.Head, from: o.From, texts: o.Texts}
			case o.Kind == kindHead && o.answered():
				op.Input, op.Output = askHead{}, o.Head
			default:
				continue
			}
			p.operations = append(p.operations, op)
			last = max(last, o.Call)
			if o.answered() {
				last = max(last, o.Return)
			}
		}
		// What is there in the end is a read, too.
		p.operations = append(p.operations, porcupine.Operation{
			Input:  readPage(0),
			Output: page{head: chat.Seq(len(log.texts)), from: 1, texts: log.texts},
			Call:   int64(last + 1),
			Return: int64(last + 2),
		})
		partitions = append(partitions, p)
	}
	return partitions
}

// keyPartitions makes a partition of each place from which the service reads a
// device's key to seal to: the device's own row, and a row for each connection
// and room. A rotation writes them one after the other, and promises something
// of them all only when it is acknowledged; so each of them is a register.
func keyPartitions(seals, operations []*operation) (partitions []partition) {
	rotations := map[chat.User][]porcupine.Operation{}
	for _, o := range operations {
		if o.Kind == kindRotate {
			rotations[o.User] = append(rotations[o.User], porcupine.Operation{
				Input:  rotate(o.Gen),
				Call:   int64(o.Call),
				Return: int64(o.Return),
			})
		}
	}
	rows := map[string]*partition{}
	for _, s := range seals {
		name := cmp.Or(s.Row, "device")
		name = fmt.Sprintf("key of %s: %s", s.User, name)
		if rows[name] == nil {
			rows[name] = &partition{name: name, model: keyRegister, operations: slices.Clone(rotations[s.User])}
		}
		rows[name].operations = append(rows[name].operations, porcupine.Operation{
			Input:  seal(s.Gen),
			Call:   int64(s.Call),
			Return: int64(s.Return),
		})
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		partitions = append(partitions, *rows[name])
	}
	return partitions
}

// linearizable checks partitions and names those that are not, or that the
// checker could not decide.
func linearizable(partitions []partition) (wrong []string) {
	for _, p := range partitions {
		if verdict := porcupine.CheckOperationsTimeout(p.model, p.operations, decision); verdict != porcupine.Ok {
			wrong = append(wrong, fmt.Sprintf("%s: linearizable: %s (%d operations)", p.name, verdict,
				len(p.operations)))
		}
	}
	return wrong
}
