package sharevm.cpu.decode;

import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.opcode.Opcode;

/**
 * One decoded instruction at its place in a block. Immutable; executed any number of times.
 *
 * <p>An operand is a number: of a general register (0 to 15; a byte register as {@link
 * CpuState#r8(int)} wants it), of a segment, control, debug, x87, MMX or XMM register, {@link
 * #MEMORY} for the one memory operand, or {@link CpuState#ZERO} for an immediate. Since the zero
 * register reads 0, and {@link #immediate} is 0 where there is none, {@code gpr[source] +
 * immediate} is the source's value in both cases, without a branch.
 *
 * <p>A guest's code makes hundreds of thousands of these, so that fields are as narrow as what they
 * hold.
 */
public final class Instruction {
  /** The number of an operand that is in memory. */
  public static final int MEMORY = -1;

  /** Values of {@link #repeat}. */
  public static final int NO_REPEAT = 0;

  public static final int REPNE = 0xf2;
  public static final int REP = 0xf3;

  /** The row of the opcode table. */
  public final Opcode opcode;

  /** What it does. */
  public final Operation operation;

  /** The ModRM byte, or 0 where there is none. */
  public final short modrm;

  /** Bytes from the block's start to this instruction. */
  public final short offset;

  /** Bytes of the encoding, 1 to 15. */
  public final byte length;

  /** Operand size in bytes: 1, 2, 4 or 8. */
  public final byte size;

  /** What mode and prefixes make the operand size, whatever the row does with it: 2, 4 or 8. */
  public final byte operandSize;

  /** Address size in bytes: 2, 4 or 8. */
  public final byte addressSize;

  /** First operand. */
  public final byte destination;

  /** Second operand. */
  public final byte source;

  /** Third operand. */
  public final byte third;

  /** Whether one of the operands is in memory. */
  public final boolean memory;

  /**
   * Registers whose sum, the index shifted by {@link #scale}, with {@link #displacement} is the
   * offset.
   */
  public final byte base;

  public final byte index;

  /** 0 to 3: the index counts 1, 2, 4 or 8 times. */
  public final byte scale;

  /** Added to base and index; for RIP-relative operands counted from the block's start. */
  public final long displacement;

  /** Wraps offsets to the address size. */
  public final long addressMask;

  /**
   * Segment of the memory operand, also of implied ones at DS:rSI; in 64-bit mode FS, GS or a flat
   * one.
   */
  public final byte segment;

  /** Sign-extended immediate or branch displacement; 0 where there is none. */
  public final long immediate;

  /** The second immediate (ENTER's level, a far pointer's selector). */
  public final int immediate2;

  /** Whether there is a LOCK prefix. */
  public final boolean lock;

  /** {@link #NO_REPEAT}, {@link #REPNE} or {@link #REP}: the last of these prefixes. */
  public final short repeat;

  /** Whether there is a REX prefix with W. */
  public final boolean rexW;

  /** The code size that it was decoded for, in bytes: 2, 4, or 8 in 64-bit mode. */
  public final byte codeSize;

  Instruction(Decoder d, Binder binder) {
    opcode = d.opcode;
    modrm = (short) (d.opcode.modrm() ? d.modrm : 0);
    offset = (short) d.offset;
    length = (byte) d.length;
    size = (byte) d.size;
    operandSize = (byte) d.operandSize;
    addressSize = (byte) d.addressSize;
    destination = (byte) d.operand[0];
    source = (byte) d.operand[1];
    third = (byte) d.operand[2];
    memory = d.memory;
    base = (byte) d.base;
    index = (byte) d.index;
    scale = (byte) d.scale;
    displacement =
        d.base == CpuState.BLOCK_RIP ? d.displacement + d.offset + d.length : d.displacement;
    addressMask = Decoder.mask(d.addressSize);
    segment = (byte) d.segment;
    immediate = d.immediate;
    immediate2 = d.immediate2;
    lock = d.lock;
    repeat = (short) d.repeat;
    rexW = d.rexW;
    codeSize = (byte) d.codeSize;
    operation = binder.bind(this);
  }

  /** Returns the offset (without segment base) of the memory operand. */
  public long address(CpuState s) {
    return (s.gpr[base] + (s.gpr[index] << scale) + displacement) & addressMask;
  }

  /**
   * Returns the value of a source that is a general register or an immediate, sign- or
   * garbage-extended.
   */
  public long sourceValue(CpuState s) {
    return s.gpr[source] + immediate;
  }

  /** Returns the RIP of the next instruction, from the start of the running block. */
  public long nextRip(CpuState s) {
    return s.gpr[CpuState.BLOCK_RIP] + offset + length;
  }

  /** Returns the RIP of this instruction, from the start of the running block. */
  public long ownRip(CpuState s) {
    return s.gpr[CpuState.BLOCK_RIP] + offset;
  }
}
