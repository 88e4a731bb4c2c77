package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.real.X87State;

/**
 * Java's side of {@link FloatingPoint}: the x87 registers as an image of XSAVE (Intel SDM Vol. 1
 * 13.4) in the {@link Context}, renewed when the guest's were changed by others.
 */
final class FloatingState {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  /** XSTATE_BV, behind the legacy region, and its bit for the x87 unit. */
  private static final int STATE_BITS = Context.X87 + 512;

  private static final int X87_BIT = 1;

  /** The image's words that are pointers are not the guest's, nor are the opcode's bits. */
  private static final int POINTERS = 1;

  private static final int REGISTERS = 4;
  private static final long OPCODE = 0xffffL << 48;

  private final CpuState s;
  private final MemorySegment shared;
  private final long[] words = new long[X87State.LEGACY_WORDS];

  FloatingState(CpuState s) {
    this.s = s;
    this.shared = s.shared;
  }

  /** Lets code find the registers; whether it has loaded them is another question. */
  void enter() {
    if (!s.x87.takeChanged()) {
      return;
    }
    shared.set(LONG, Context.X87, s.x87.legacyWord(0, true) & ~OPCODE);
    for (int n = REGISTERS; n < words.length; n++) {
      shared.set(LONG, Context.X87 + 8L * n, s.x87.legacyWord(n, true));
    }
    shared.set(LONG, STATE_BITS, X87_BIT);
  }

  /** Takes the registers home when code has loaded them. */
  void leave() {
    if (shared.get(ValueLayout.JAVA_BYTE, Context.X87_LIVE) == 0) {
      return;
    }
    for (int n = 0; n < words.length; n++) {
      words[n] = n >= POINTERS && n < REGISTERS ? 0 : shared.get(LONG, Context.X87 + 8L * n);
    }
    s.x87.setRegisters(words);
    s.x87.takeChanged();
  }

  /** Works out the pointers to the last instruction and operand from what code has noted. */
  void notePointers(CodeCache cache) {
    if (shared.get(ValueLayout.JAVA_BYTE, Context.X87_LIVE) == 0) {
      return;
    }
    int last = shared.get(INT, Context.X87_LAST);
    if (last != 0) {
      ExitSite site = cache.site(last);
      Instruction i = site.block().code[site.index()];
      int opcode = (i.opcode.code() & 7) << 8 | i.modrm;
      s.x87.setInstruction(site.block().rip(site.index()), s.selector[CpuState.CS], opcode);
    }
    int data = shared.get(INT, Context.X87_LAST_DATA);
    if (data != 0) {
      ExitSite site = cache.site(data);
      int segment = site.block().code[site.index()].segment;
      s.x87.setData(shared.get(LONG, Context.X87_ADDRESS), s.selector[segment]);
    }
  }
}
