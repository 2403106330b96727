package eval

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

const cidrUsage = "write !Cidr [10.0.0.0/16, 4, 8]"

// cidr resolves Fn::Cidr: [block, count, bits] gives the first count blocks
// within block that have that many host bits.
func cidr(r *Resolver, v, arg *template.Value) *template.Value {
	if !arg.IsListOf(2, 3) || !arg.Items[0].IsScalar() {
		return r.Fail(v, "Fn::Cidr takes a block, a count and a number of bits", cidrUsage)
	}
	block, err := netip.ParsePrefix(arg.Items[0].Text)
	if err != nil {
		return r.Fail(v, template.Quote(arg.Items[0].Text)+" is not a block of addresses", cidrUsage)
	}
	count, ok := arg.Items[1].Int()
	if !ok || count < 1 || count > 256 {
		return r.Fail(v, "Fn::Cidr counts from 1 to 256", cidrUsage)
	}
	bits, ok := hostBits(block, arg.Items[2:])
	switch {
	case !ok:
		return r.Fail(v, fmt.Sprintf("Fn::Cidr takes 1 to %d bits", block.Addr().BitLen()), cidrUsage)
	case !fits(block, count, bits):
		return r.Fail(v, fmt.Sprintf("%s has no room for %d blocks of %d bits", block, count, bits),
			"use fewer or smaller blocks")
	}
	return v.NewTexts(subnets(block, count, bits)...)
}

// hostBits returns the third argument of Fn::Cidr, by default all host bits of
// the block; ok is false if it is out of range.
func hostBits(block netip.Prefix, arg []*template.Value) (bits int, ok bool) {
	size := block.Addr().BitLen()
	if len(arg) == 0 {
		return size - block.Bits(), true
	}
	bits, ok = arg[0].Int()
	return bits, ok && bits >= 1 && bits <= size
}

// fits reports whether block contains count blocks with that many host bits.
func fits(block netip.Prefix, count, bits int) bool {
	free := block.Addr().BitLen() - block.Bits() - bits
	return free >= 0 && new(big.Int).Lsh(big.NewInt(1), uint(free)).Cmp(big.NewInt(int64(count))) >= 0
}

// subnets returns the first count blocks within block with that many host bits.
func subnets(block netip.Prefix, count, bits int) []string {
	size := block.Addr().BitLen()
	start := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	out := make([]string, count)
	for i := range out {
		addr, _ := netip.AddrFromSlice(start.FillBytes(make([]byte, size/8))) // the length is right
		out[i] = netip.PrefixFrom(addr, size-bits).String()
		start.Add(start, step)
	}
	return out
}
