package sharevm.translator;

import static sharevm.translator.Assembler.EQUAL;
import static sharevm.translator.Assembler.NOT_EQUAL;
import static sharevm.translator.Assembler.R14;
import static sharevm.translator.Assembler.R15;
import static sharevm.translator.Assembler.RAX;
import static sharevm.translator.Assembler.RCX;
import static sharevm.translator.Assembler.RDX;
import static sharevm.translator.Assembler.SIGN;

import sharevm.translator.Assembler.Code;
import sharevm.translator.Assembler.Place;

/**
 * Machine code for a load that did not find its page in a mirror, or at another distance than its
 * last one: looks whether the page is in one, and lets the TLB and the next load know. Where it is
 * in none, Java is asked for one now and then.
 *
 * <p>Called with the number of the page's TLB entry, which is good, in R14, and that of the exit
 * site in {@link Context#MIRROR_SITE}; keeps R13.
 */
final class MirrorStub {
  private final Assembler a;

  private MirrorStub(Assembler assembler) {
    this.a = assembler;
  }

  /**
   * Emits the stub; returns where it starts.
   *
   * @param exit where Java is entered with a site's number in R14
   */
  static int emit(Assembler assembler, int exit) {
    return new MirrorStub(assembler).emit(exit);
  }

  private int emit(int exit) {
    int start = a.position();
    a.store(Context.at(Context.SCRATCH), RAX);
    a.store(Context.at(Context.SCRATCH + 8), RCX);
    a.store(Context.at(Context.SCRATCH + 16), RDX);
    a.load(RCX, word(R14, Context.TLB + Context.TLB_READ));
    a.registers(Code.of(0x89), R14, RAX);
    a.memory(Code.of(0x33), RAX, Context.at(Context.ADDRESS_SPACE));
    a.memory(Code.wide(0x3b), RCX, word(RAX, Context.MIRRORED_PAGE));
    int unknown = a.jumpIf(NOT_EQUAL);
    a.load(RDX, word(R14, Context.TLB + Context.TLB_HOST));
    a.memory(Code.wide(0x3b), RDX, word(RAX, Context.MIRRORED_MEMORY));
    int moved = a.jumpIf(NOT_EQUAL);
    a.load(RAX, word(RAX, Context.MIRRORED_HOST));
    a.store(word(R14, Context.MIRROR), RAX);
    a.registers(Code.wide(0x29), RCX, RAX);
    a.load32(RDX, Context.at(Context.MIRROR_SITE));
    a.arithmetic(false, 4, RDX, (1 << Context.MIRROR_DISTANCE_BITS) - 1);
    a.memory(Code.wide(0x3b), RAX, word(RDX, Context.MIRROR_DISTANCES));
    int same = a.jumpIf(EQUAL);
    a.store(word(RDX, Context.MIRROR_DISTANCES), RAX);
    a.memory(Code.of(0xff), 1, Context.at(Context.MIRROR_CHANGES));
    int decide = a.jump();
    a.patchToHere(unknown);
    a.patchToHere(moved);
    a.memory(Code.of(0xff), 1, Context.at(Context.MIRROR_WISHES));
    a.patchToHere(decide);
    int asks = a.jumpIf(SIGN);
    a.patchToHere(same);
    restore();
    a.byte1(0xc3);
    a.patchToHere(asks);
    a.store(Context.at(Context.MISS_ADDRESS), RCX);
    restore();
    a.inOpcode(Code.of(0x58), R14);
    a.load32(R14, Context.at(Context.MIRROR_SITE));
    a.patch(a.jump(), exit);
    return start;
  }

  private static Place word(int index, int array) {
    return new Place(R15, index, 3, array - Context.BIAS, false);
  }

  private void restore() {
    a.load(RAX, Context.at(Context.SCRATCH));
    a.load(RCX, Context.at(Context.SCRATCH + 8));
    a.load(RDX, Context.at(Context.SCRATCH + 16));
  }
}
