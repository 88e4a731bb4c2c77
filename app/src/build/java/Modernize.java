import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Copies a jar, with classes from before Java 6 rewritten as classes of Java 8: the same code, and
 * stack maps. The JVM puts no older class into its AOT cache, and verifies each one anew at every
 * start. Run by the script {@code sharevm} when it builds: {@code java Modernize.java FROM TO}.
 */
final class Modernize {
  /** The first class file version of which the JVM keeps classes in its AOT cache: Java 6. */
  private static final int LEAST = 50;

  private final ClassFile classFile;

  private Modernize(ClassLoader others) {
    ClassHierarchyResolver resolver =
        ClassHierarchyResolver.ofResourceParsing(others)
            .orElse(ClassHierarchyResolver.defaultResolver());
    this.classFile =
        ClassFile.of(
            ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
            ClassFile.ClassHierarchyResolverOption.of(resolver));
  }

  private byte[] rewritten(byte[] bytes) {
    ClassModel model = classFile.parse(bytes);
    if (model.majorVersion() >= LEAST) {
      return bytes;
    }
    ClassTransform version =
        (builder, element) -> {
          if (element instanceof ClassFileVersion) {
            builder.withVersion(ClassFile.JAVA_8_VERSION, 0);
          } else {
            builder.with(element);
          }
        };
    // Code that goes through a transformation, even one that changes nothing, gets stack maps.
    CodeTransform same =
        CodeTransform.ofStateful(() -> (builder, element) -> builder.with(element));
    return classFile.transformClass(
        model, version.andThen(ClassTransform.transformingMethodBodies(same)));
  }

  public static void main(String[] arguments) throws IOException {
    Path from = Path.of(arguments[0]);
    try (JarFile jar = new JarFile(from.toFile());
        JarOutputStream to = new JarOutputStream(Files.newOutputStream(Path.of(arguments[1])));
        URLClassLoader loader = new URLClassLoader(new URL[] {from.toUri().toURL()})) {
      Modernize modernize = new Modernize(loader);
      for (JarEntry entry : Collections.list(jar.entries())) {
        byte[] bytes = jar.getInputStream(entry).readAllBytes();
        to.putNextEntry(new JarEntry(entry.getName()));
        to.write(entry.getName().endsWith(".class") ? modernize.rewritten(bytes) : bytes);
        to.closeEntry();
      }
    }
  }
}
