package sharevm.translator;

import static sharevm.translator.Assembler.BELOW;
import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_BELOW;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Registers.ADDRESS;
import static sharevm.translator.Registers.TEMP;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.Cpu;
import sharevm.cpu.decode.Instruction;
import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * INVLPG in machine code: empties what code knows of a page of data, and notes it for Java, which
 * forgets it too before it looks at memory. Left to Java is a page that may have code or be part of
 * a large one.
 */
final class PageFlush {
  /** Pages that are noted until Java must take them. */
  static final int MOST = 32;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final int PAGE_SHIFT = 12;
  private static final int ENTRIES = 1 << Context.TLB_BITS;

  private PageFlush() {}

  /** Hands the pages that code has flushed to Java's part, once. */
  static void take(MemorySegment shared, Cpu cpu) {
    int count = shared.get(INT, Context.FLUSHED);
    shared.set(INT, Context.FLUSHED, 0);
    for (int n = 0; n < count; n++) {
      cpu.flushPage(shared.get(ValueLayout.JAVA_LONG, Context.FLUSHED_PAGES + 8L * n));
    }
  }

  static void emit(BlockTranslator t, Instruction i) {
    Assembler a = t.assembler();
    t.freeFlags();
    t.memory().offset(i, ADDRESS);
    t.memory().linear(i.segment, 1, false);
    bits(a, PAGE_SHIFT, JumpCache.PAGE_SETS);
    a.memory(Code.of0f(0xa3), TEMP, Context.at(Context.JUMP_PAGES));
    t.leaveToJavaIf(BELOW);
    leaveIfLarge(t, ContextAccess.LARGE_PAGE, Context.LARGE_REGION_BITS, Context.LARGE_REGIONS);
    leaveIfLarge(t, ContextAccess.HUGE_PAGE, Context.HUGE_REGION_BITS, Context.HUGE_REGIONS);
    a.load32(TEMP, Context.at(Context.FLUSHED));
    a.arithmetic(false, 7, TEMP, MOST);
    t.leaveToJavaIf(NOT_BELOW);
    a.store(indexed(Context.FLUSHED_PAGES), ADDRESS);
    bits(a, PAGE_SHIFT, ENTRIES);
    t.leaveToJavaIf(EQUAL);
    a.memory(Code.of(0xff), 0, Context.at(Context.FLUSHED));
    for (int n = 0; n < ContextAccess.TLBS; n++) {
      int tlb = Context.TLB + n * Context.TLB_SIZE;
      a.storeConstant(indexed(tlb + Context.TLB_READ), 0);
      a.storeConstant(indexed(tlb + Context.TLB_WRITE), 0);
    }
    emptyMirror(a);
  }

  /** Puts some bits of the address into the scratch register; ZF is set when they are clear. */
  private static void bits(Assembler a, int from, int count) {
    a.move(TEMP, ADDRESS);
    a.registers(Code.wide(0xc1), 5, TEMP);
    a.byte1(from);
    a.arithmetic(false, 4, TEMP, count - 1);
  }

  private static void leaveIfLarge(BlockTranslator t, int shift, int bits, int regions) {
    Assembler a = t.assembler();
    bits(a, shift, 1 << bits);
    a.compareByteWithZero(new Place(Assembler.R15, TEMP, 0, regions - Context.BIAS, false));
    t.leaveToJavaIf(NOT_EQUAL);
  }

  /** Returns the word of an array in the context whose number is in the scratch register. */
  private static Place indexed(int array) {
    return new Place(Assembler.R15, TEMP, 3, array - Context.BIAS, false);
  }

  /** Does what {@link Mirrors#empty} does for the entry whose number is in the scratch register. */
  private static void emptyMirror(Assembler a) {
    a.move(ADDRESS, TEMP);
    a.arithmetic(false, 6, ADDRESS, ENTRIES / 2);
    a.registers(Code.wide(0xc1), 4, ADDRESS);
    a.byte1(PAGE_SHIFT);
    a.store(indexed(Context.MIRROR), ADDRESS);
  }
}
