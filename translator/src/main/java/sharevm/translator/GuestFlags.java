package sharevm.translator;

import static sharevm.translator.Registers.TEMP;

import sharevm.translator.Assembler.Code;

/**
 * Where the guest's status flags are while a block is translated, and the moves between: they are
 * at any point in the host's flags, in the {@link Context}, or dead.
 */
final class GuestFlags {
  /** Where they are; in the context they may be out of date when they are dead. */
  enum Where {
    HOST,
    BOTH,
    CONTEXT
  }

  private final Assembler a;
  private Where where = Where.CONTEXT;

  GuestFlags(Assembler assembler) {
    a = assembler;
  }

  Where where() {
    return where;
  }

  /** Says where they are from here on. */
  void are(Where place) {
    where = place;
  }

  /** Whether they are only where the next thing may destroy them. */
  boolean areUnsaved() {
    return where == Where.HOST;
  }

  /** Puts them into the context if that does not have them, and some are live. */
  void save(int live) {
    if (where == Where.HOST && live != 0) {
      a.move(TEMP, Assembler.RAX);
      a.byte1(0x9f);
      a.registers(new Code(0, false, false, Code.BYTE_RM, 1, 0x90), 0, Assembler.RAX);
      a.memory(Code.STORE_WORD, Assembler.RAX, Context.at(Context.FLAGS));
      a.move(Assembler.RAX, TEMP);
      where = Where.BOTH;
    }
  }

  /** Brings them into the host's flags; uses the scratch register. */
  void restore() {
    if (where == Where.CONTEXT) {
      a.move(TEMP, Assembler.RAX);
      a.memory(new Code(0x66, false, false, 0, 0, 0x8b), Assembler.RAX, Context.at(Context.FLAGS));
      a.byte1(0x04);
      a.byte1(0x7f);
      a.byte1(0x9e);
      a.move(Assembler.RAX, TEMP);
      where = Where.BOTH;
    }
  }
}
