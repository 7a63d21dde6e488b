/**
 * Letters of all scripts that look like Latin ones, by UTS #39.
 *
 * Data: the letters of `confusables.txt` of Unicode 18.0.0 whose prototype is Latin, without marks; modified: a capital
 * that looks like an upright stroke is I, and `rn` is m. Written by `scripts/confusables.ts`; do not edit `DATA`.
 *
 * The data is under this licence:
 *
 * UNICODE LICENSE V3
 *
 * COPYRIGHT AND PERMISSION NOTICE
 *
 * Copyright © 1991-2026 Unicode, Inc.
 *
 * NOTICE TO USER: Carefully read the following legal agreement. BY
 * DOWNLOADING, INSTALLING, COPYING OR OTHERWISE USING DATA FILES, AND/OR
 * SOFTWARE, YOU UNEQUIVOCALLY ACCEPT, AND AGREE TO BE BOUND BY, ALL OF THE
 * TERMS AND CONDITIONS OF THIS AGREEMENT. IF YOU DO NOT AGREE, DO NOT
 * DOWNLOAD, INSTALL, COPY, DISTRIBUTE OR USE THE DATA FILES OR SOFTWARE.
 *
 * Permission is hereby granted, free of charge, to any person obtaining a
 * copy of data files and any associated documentation (the "Data Files") or
 * software and any associated documentation (the "Software") to deal in the
 * Data Files or Software without restriction, including without limitation
 * the rights to use, copy, modify, merge, publish, distribute, and/or sell
 * copies of the Data Files or Software, and to permit persons to whom the
 * Data Files or Software are furnished to do so, provided that either (a)
 * this copyright and permission notice appear with all copies of the Data
 * Files or Software, or (b) this copyright and permission notice appear in
 * associated Documentation.
 *
 * THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY
 * KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
 * MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT OF
 * THIRD PARTY RIGHTS.
 *
 * IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN THIS NOTICE
 * BE LIABLE FOR ANY CLAIM, OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES,
 * OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS,
 * WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
 * ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THE DATA
 * FILES OR SOFTWARE.
 *
 * Except as contained in this notice, the name of a copyright holder shall
 * not be used in advertising or otherwise to promote the sale, use or other
 * dealings in these Data Files or Software without prior written
 * authorization of the copyright holder.
 *
 * @module
 */

/** The Latin letters that each code point looks like. Made when a text first needs it. */
export function confusables(): ReadonlyMap<number, string> {
  if (table !== undefined) return table;
  const made = new Map<number, string>();
  for (const row of DATA.trim().split("\n")) {
    const [letters, ...steps] = row.split(" ");
    let code = 0;
    for (const step of steps) {
      code += Number.parseInt(step, 36);
      made.set(code, letters as string);
    }
  }
  table = made;
  return made;
}

let table: ReadonlyMap<number, string> | undefined;

/** A row for each Latin spelling: the code points, each as its distance from the one before, in base 36. */
const DATA = `
A pd 3j 32y ez sa1 iia lgg kfc 1m 1m 1m 1m
AA x0y
AE 5i su
AO x10
AU x12
AV x14 2
AY x18
B pe 3k 34y eb 4gb nri 3r gt hxq v 2o 15t4 1m 1m 1m 1m
C s9 14 3t 305 4w5 nqu iiw 2o 7n 7a
D 5s 1s 3d 3kn fy c s89
DZ ck
Dz cl
E g6 9b 3k 32v 51p nnb 63 ibf 4dc 8 11j2 1m 1m 1m 1m
F b5 gb s7 2qp sa1 jf hyn u hs 3ul w 11qg
G dg mg 2wk 1f smb
H 86 hd 3q 3p 11 2 2ya ch 1ks 2y7 13 nrt ijs 15un 1m 1m 1m 1m
I ba 1 ea 31 56 7v6 obg jxz jd1 kjq 1m 1m 1m 1m
J g8 8n 3t 337 6a si4 k9
K pm 3k 3k 4 30o kv 49g 17 nr7 h5 ijc 15eh 1m 1m 1m 1m
L 8x 3od 5o 4rq npt it6 7f 3ul f h2c
M po 2m y 4x 2y2 ft 6e 4aq nrb ij5 2p 1sg 140i 1m 1m 1m 1m
N bh e8 83h nra j03 4a3 114m 1m 1m 1m 1m
O 60 5j e1 7 p p z 16 2c 3a 31 157 1io 34 2s q 19 1qs 34h e 43 g j nmn gn i14 p 2s 6t 5a 2c 8 1dl 2hq fza 9a lae 7 3 g k c 7 3 g k c 7 3 g k c 7 3 g k c 7 3 g k
OE 9e
OO wwo 52
Oy vs
P pt 3j 342 3v 4s5 18 npf iis 15wj 1m 1m 1m 1m
Q 10a 7y3
R bq 4m 3f9 1d c5 sbg ixd l1d
S sl 96 29a 1s k8 5 1r7 qw5 44 gf hxt ay kae v8
T 9y 20 40 9y 3i 3u ms 2bm 4xw vg 5pv h5b 1j ap i6j q 2s 49z h1q khd 1m 1m 1m 1m
U g4 ll 2ib cs 3k sko ixm 3xm h3e
V vo 31h 2e 4y1 nn2 e1 im6 1du 2gx h2g
W 10c 2vr x snq
X pz 3i 3x 3k5 18e 33r 4x nm6 js hy5 10 2r eo 1d8 33 13y4 1m 1m 1m 1m
Y ge 9j 19 29 3v 2 m4 2cd k 4x7 vm 5qp h4x cm i68 1v2 2h0 h3z kft 1m 1m 1m 1m
Z c5 33 aa 2lz l2 4vc x nrk dp im6 3vm er 114h 1m 1m 1m 1m
a gh 9s 3j x10 m 1n48 1m 1m 1m 1m
aa x0z
ae 6e rz
ao x11
au x13
av x15 2
ay x19
b ao 2 1 1 5r ce r 6 1c 1 15 1 nc 2d6 19 3a 1 8s 4ic o4a i9r l96
bl tn
c fw c6 27 2y 28p 2e 2eh 3l 335 p3e hhq
co xtv 1
d 7l 3e 1 5m 1 iy 2xy 3s sir 1b2
dz cm 65
e g7 dq 3s 2 wvn 22
f b6 6q lc 4q2 8f r24 po
fn ix
g b1 2g 3f 1 j0 38 2uy 1vs v s1a
h 87 8v d3 u 20 n 1 d 2 4m 289 ll 1c 2l9 29s o3q za
i 8h 8n 1 1 9b 4d 8c 2sj 1xy 1 2zb o1g 10u lla 11i9 12 1m 1m 1m 1m
j fr i m b8 2t 7x wsm 1n3e
k bd f5 1i 22 2p 4 4to 32i p41 1n2t j 13 j 13 j 13 j 13 j
l 8y 2g 12 4r 2 gy 7a a 20 24 9j 2yf 4 b 4ch 3d 5 nmr 3h eq 3h q8 g3y 1 90 1 5 1 5 1 sc 3j 8q 5n t4 m0 3h8 f7u hr cl p20 3k
lL 64a
lO tq
ll ch tr
ls iy
lz iz
m hd kv 4r3 s0y l9r
n 97 2b 5w 1 78 1s 3l 2b 6f 6 4 4qc 2zv 16lu 15kr 1m 1m 1m 1m
o 6w al 96 4 16 29 1h 3a 4c 2k 20 u 3b 3 2 i 16 5o 39 yo kw d 56 14 c 4x 1o6 j fx 3x 2 328 e x4 n6j 4p s2 1 1i q 19 fs9 1 1 1 1 1 1 1 1 1 8c ca 1 2d 1 1 1 5n vp 5a ua rf sv e 1ic f 11ix 4 1i 4 1i 4 1i 4 1i 4 4fc 2o
oe 9f 83
ol 2pno
oo 3ev 4n 68i n4p 52
oy vt
p 72 4n q ea 1c 7 20 4x5 2c 2zq 18 p2b 1n34 e 18 e 18 e 18 e 18 e
q io hn 20 3
r gd 1b 1 c6 s 1w 4ur 24 2z7 p1e 1 15 g x 11mf
s cd 5h cz 1qi 385 r7h vt hi6 41l
t 9z 1w 2 ev 3i 2z 2z6 1x2 302 o2u yt 1n4z 1m 1m 1m 1m
tf x2v
ts iu
u i3 8q 4a 7y 4nz 2q ra9 q7 4 22 hne 3xe 11j2 1m 1m 1m 1m
ue 5t7
uo xur
v ql 54 9v 4lk s5l l7h ca 11ji 1m 1m 1m 1m
w hb d5 p s 4g 1w 4ow 330 o84 49 p5 x krl g5 4 1
x ud 3cs 1o di 1cgv
y c4 4b k 18 84 40 30 2 2eu 2hx ab fy 298 p0x lm2 o 11ig 1m 1m 1m 1m
z c6 33 2z 58y 2c 2ye x 4g oyu
`;
