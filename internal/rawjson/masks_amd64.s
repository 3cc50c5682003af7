#include "textflag.h"

// Four times 16 bytes: one comparison gives a bit for each byte.

#define BITS(data, want, scratch, shift, sum) \
	MOVOU    data, scratch    \
	PCMPEQB  want, scratch    \
	PMOVMSKB scratch, AX      \
	SHLQ     $shift, AX       \
	ORQ      AX, sum

// func masks(b *[64]byte) (back, quote, or uint64)
TEXT ·masks(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI

	MOVQ       $0x5c5c5c5c5c5c5c5c, AX
	MOVQ       AX, X8
	PUNPCKLQDQ X8, X8
	MOVQ       $0x2222222222222222, AX
	MOVQ       AX, X9
	PUNPCKLQDQ X9, X9

	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3

	XORQ BX, BX
	XORQ CX, CX
	BITS(X0, X8, X4, 0, BX)
	BITS(X0, X9, X5, 0, CX)
	BITS(X1, X8, X4, 16, BX)
	BITS(X1, X9, X5, 16, CX)
	BITS(X2, X8, X4, 32, BX)
	BITS(X2, X9, X5, 32, CX)
	BITS(X3, X8, X4, 48, BX)
	BITS(X3, X9, X5, 48, CX)

	// The highest bits of all bytes.
	POR      X1, X0
	POR      X3, X2
	POR      X2, X0
	MOVOU    X0, X1
	PSRLO    $8, X1
	POR      X1, X0
	MOVQ     X0, DX

	MOVQ BX, back+8(FP)
	MOVQ CX, quote+16(FP)
	MOVQ DX, or+24(FP)
	RET
