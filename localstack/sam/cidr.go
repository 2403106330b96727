package sam

import (
	"fmt"
	"math/big"
	"net/netip"
)

// cidr resolves Fn::Cidr: [block, count, bits] gives count blocks with that
// many host bits from the block on.
func (r *resolver) cidr(v, arg *value) *value {
	const usage = "write !Cidr [10.0.0.0/16, 4, 8]"
	if arg.kind != list || len(arg.items) < 2 || len(arg.items) > 3 || !arg.items[0].isScalar() {
		return r.fail(v, "Fn::Cidr takes a block, a count and a number of bits", usage)
	}
	block, err := netip.ParsePrefix(arg.items[0].text)
	if err != nil {
		return r.fail(v, quote(arg.items[0].text)+" is not a block of addresses", usage)
	}
	count, ok := arg.items[1].asInt()
	if !ok || count < 1 || count > 256 {
		return r.fail(v, "Fn::Cidr counts from 1 to 256", usage)
	}
	size := block.Addr().BitLen()
	bits := size - block.Bits()
	if len(arg.items) == 3 {
		if bits, ok = arg.items[2].asInt(); !ok || bits < 1 || bits > size {
			return r.fail(v, fmt.Sprintf("Fn::Cidr takes 1 to %d bits", size), usage)
		}
	}
	room := new(big.Int).Lsh(big.NewInt(1), uint(max(0, size-block.Bits()-bits)))
	if bits > size-block.Bits() || room.Cmp(big.NewInt(int64(count))) < 0 {
		return r.fail(v, fmt.Sprintf("%s has no room for %d blocks of %d bits", block, count, bits),
			"use fewer or smaller blocks")
	}
	start := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	var out []*value
	for range count {
		addr, _ := netip.AddrFromSlice(start.FillBytes(make([]byte, size/8))) // of the right length
		out = append(out, v.newText(netip.PrefixFrom(addr, size-bits).String()))
		start.Add(start, step)
	}
	return v.newList(out...)
}
