using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Architecture.Tests;

/// <summary>What no assembly of the product refers to, read from their metadata. docs/plugins-and-trust.md promises it.</summary>
public sealed class ReferenceTests
{
    /// <summary>Types that turn bytes into objects of types that the bytes name.</summary>
    private static readonly string[] s_deserializers =
    [
        "System.Runtime.Serialization.Formatters.Binary.BinaryFormatter", "System.Runtime.Serialization.NetDataContractSerializer", "System.Runtime.Serialization.Formatters.Soap.SoapFormatter",
        "System.Web.UI.LosFormatter", "System.Web.UI.ObjectStateFormatter", "System.Resources.ResourceReader", "Newtonsoft.Json.TypeNameHandling",
    ];

    /// <summary>Assemblies that read pickles or run code of another language.</summary>
    private static readonly string[] s_libraries = ["Razorvine.Pickle", "TorchSharp.PyBridge", "Python.Runtime", "IronPython", "System.Runtime.Serialization.Formatters"];

    /// <summary>The time of day, which a machine may set back. Durations are measured with Stopwatch.</summary>
    private static readonly string[] s_timeOfDay = ["System.DateTime.get_Now", "System.DateTime.get_UtcNow", "System.DateTimeOffset.get_Now", "System.DateTimeOffset.get_UtcNow", "System.Environment.get_TickCount"];

    [Fact]
    public void Every_assembly_of_the_product_is_looked_at()
    {
        var projects = new[] { "contracts", "host", "plugins" }.SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories))
            .Select(static project => Path.GetFileNameWithoutExtension(project)).Select(static name => name == "LeapAlign.Host" ? "leapalign" : name).Order(StringComparer.Ordinal);
        Assert.Equal(projects, Product().Select(static file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_reads_pickles_or_other_files_that_hold_code()
    {
        Assert.All(Product(), static file => Assert.Empty(ReadingCode(file)));
        // The rule sees what it is for: this assembly breaks it, below.
        Assert.Equal(["TorchSharp.torch.load", "TorchSharp.torch/jit.load"], ReadingCode(typeof(ReferenceTests).Assembly.Location).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_plugin_folder_carries_a_library_that_does()
    {
        var plugins = Path.Combine(AppContext.BaseDirectory, "..", "..", "LeapAlign.Host", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "plugins");
        var carried = Directory.EnumerateFiles(plugins, "*.dll", SearchOption.AllDirectories).Select(static file => Path.GetFileNameWithoutExtension(file)).ToHashSet(StringComparer.OrdinalIgnoreCase);
        Assert.Contains("LeapAlign.Models.Sd3", carried);
        Assert.All(s_libraries, library => Assert.DoesNotContain(library, carried));
    }

    [Fact]
    public void Nothing_asks_for_the_time_of_day()
    {
        Assert.All(Product(), static file => Assert.Empty(Members(file).Intersect(s_timeOfDay)));
        Assert.Contains("System.DateTime.get_UtcNow", Members(typeof(ReferenceTests).Assembly.Location));
    }

    private static IEnumerable<string> Product() => Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
        .Where(static file => Path.GetFileName(file) is var name && (name.StartsWith("LeapAlign.", StringComparison.Ordinal) || name == "leapalign.dll")
            && !name.EndsWith(".Tests.dll", StringComparison.Ordinal) && name != "LeapAlign.Testing.dll");

    // Reading weights is ours to do: of TorchSharp, whatever is called load opens a file of its own format or a pickle.
    private static IEnumerable<string> ReadingCode(string file) =>
    [
        .. Types(file).Intersect(s_deserializers),
        .. Members(file).Where(static member => member.StartsWith("TorchSharp.", StringComparison.Ordinal) && member.Split('.')[^1].StartsWith("load", StringComparison.OrdinalIgnoreCase)),
        .. Assemblies(file).Intersect(s_libraries),
    ];

    private static HashSet<string> Types(string file) => Read(file, static metadata => metadata.TypeReferences.Select(handle => Name(metadata, metadata.GetTypeReference(handle))));

    private static HashSet<string> Members(string file) => Read(file, static metadata => metadata.MemberReferences.Select(metadata.GetMemberReference)
        .Where(static member => member.Parent.Kind == HandleKind.TypeReference)
        .Select(member => $"{Name(metadata, metadata.GetTypeReference((TypeReferenceHandle)member.Parent))}.{metadata.GetString(member.Name)}"));

    private static HashSet<string> Assemblies(string file) => Read(file, static metadata => metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)));

    private static HashSet<string> Read(string file, Func<MetadataReader, IEnumerable<string>> names)
    {
        using var image = new PEReader(File.OpenRead(file));
        return [.. names(image.GetMetadataReader())];
    }

    private static string Name(MetadataReader metadata, TypeReference type) => type.ResolutionScope.Kind == HandleKind.TypeReference
        ? $"{Name(metadata, metadata.GetTypeReference((TypeReferenceHandle)type.ResolutionScope))}/{metadata.GetString(type.Name)}"
        : $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";

    // Never called: what the rules above look for.
    internal static object[] Forbidden(string file) => [load(file), jit.load(file), DateTime.UtcNow];
}
