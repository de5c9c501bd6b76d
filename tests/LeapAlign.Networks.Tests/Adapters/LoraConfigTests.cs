using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Adapters.Files;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>The table of PEFT's configuration against what bench/reference recorded of its class, and against the reader.</summary>
public sealed class LoraConfigTests : IDisposable
{
    private const string Nonsense = """[{"x": [null]}]""";
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-lora-config-").FullName;

    public static TheoryData<string> Fields() => [.. LoraConfig.Format.Fields.Select(static field => field.Name)];

    [Fact]
    public void Every_field_of_the_reference_is_declared_and_no_other()
    {
        using var record = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "fixtures", "reference-fields", "adapters", "LoraConfig.json")));
        var fields = record.RootElement.GetProperty("fields").EnumerateArray().Select(static field => field.GetString()!).ToArray();
        Assert.NotEmpty(fields);
        Assert.Equal(fields, LoraConfig.Format.Fields.Select(static field => field.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_does_what_its_table_says(string name)
    {
        var fault = Read(new JsonObject { ["target_modules"] = "all-linear", [name] = JsonNode.Parse(Nonsense) }, out var warnings);
        if (LoraConfig.Format.Fields.Single(field => field.Name == name).Effect == FieldEffect.NoEffect) Assert.Null(fault);
        else Assert.Equal((FaultCodes.WrongModelClass, name), (fault?.Code, fault?.Place?.Key));
        Assert.Empty(warnings);
    }

    [Theory]
    [InlineData("use_dora", "true")]
    [InlineData("lora_bias", "true")]
    [InlineData("fan_in_fan_out", "true")]
    [InlineData("bias", "\"all\"")]
    [InlineData("modules_to_save", "[\"proj_out\"]")]
    [InlineData("init_lora_weights", "\"pissa\"")]
    [InlineData("lora_alpha", "0")]
    [InlineData("r", "0")]
    [InlineData("rank_pattern", "{\"to_q\": 1.5}")]
    [InlineData("peft_type", "\"LOHA\"")]
    public void What_is_not_computed_is_refused(string name, string value)
    {
        var fault = Read(new JsonObject { ["target_modules"] = "all-linear", [name] = JsonNode.Parse(value) }, out _);
        Assert.Equal((FaultCodes.WrongModelClass, name), (fault?.Code, fault?.Place?.Key));
    }

    [Fact]
    public void A_key_that_PEFT_does_not_know_is_a_warning_with_the_nearest_name()
    {
        Assert.Null(Read(new JsonObject { ["target_modules"] = "all-linear", ["lora_alhpa"] = 3 }, out var warnings));
        var warning = Assert.Single(warnings);
        Assert.Equal((FaultCodes.UnknownField, "lora_alhpa"), (warning.Code, warning.Place?.Key));
        Assert.Contains("'lora_alpha'", warning.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Fault? Read(JsonObject text, out List<Fault> warnings)
    {
        var path = Path.Combine(_folder, LoraConfig.FileName);
        if (!text.ContainsKey("peft_type")) text["peft_type"] = "LORA";
        File.WriteAllText(path, text.ToJsonString());
        warnings = [];
        return LoraConfig.Read(path, warnings.Add).Match<Fault?>(static _ => null, static fault => fault);
    }
}
