using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Composition;

/// <summary>Each way to get plugins.json wrong: code, place and the words that help.</summary>
public sealed class FaultsOfConfigurationTests
{
    [Fact]
    public void The_valid_file_is_valid() => TestWorkspace.Compose(TestWorkspace.Valid).Value();

    [Fact]
    public void An_absent_file_is_named()
    {
        using var workspace = new TestWorkspace();
        var fault = workspace.Compose().Fault(FaultCodes.ConfigurationNotFound, "init");
        Assert.Equal(workspace.Config, fault.Place!.File);
        Assert.Equal(2, fault.ExitCode);
    }

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("{", 1, 2)]
    [InlineData("{\n  \"run\": nonsense\n}", 2, 11)]
    [InlineData("{ \"run\": {} } more", 1, 15)]
    [InlineData("{ 'run': {} }", 1, 3)]
    [InlineData("{ \"run\": { \"name\": \"\\ud800\" } }", 1, 20)]
    [InlineData("/* never closed", 1, 1)]
    public void What_is_not_json_has_line_and_column(string json, int line, int column)
    {
        var fault = TestWorkspace.Compose(json).Fault(FaultCodes.ConfigurationNotJson);
        Assert.Equal((line, column), (fault.Place!.Line, fault.Place.Column));
        Assert.DoesNotContain("LineNumber", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_that_is_nested_too_deeply_is_not_said_to_be_none()
    {
        static string Nested(int lists) => $"{{ // a comment\n\"x\": {new string('[', lists)}1{new string(']', lists)},\n}}";
        var fault = TestWorkspace.Compose(Nested(64)).Fault(FaultCodes.ConfigurationNotJson, "the file is JSON that is nested more than 64 levels deep");
        Assert.Equal((2, 69), (fault.Place!.Line, fault.Place.Column));
        Assert.NotEqual(FaultCodes.ConfigurationNotJson, TestWorkspace.Compose(Nested(63)).Fault().Code);
        // What comes first is said.
        TestWorkspace.Compose("{ nonsense " + Nested(64)).Fault(FaultCodes.ConfigurationNotJson, "the file is not JSON");
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_refused()
    {
        using var workspace = new TestWorkspace();
        File.WriteAllBytes(workspace.Config, [(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        workspace.Compose().Fault(FaultCodes.ConfigurationNotJson, "UTF-8");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("12")]
    [InlineData("null")]
    public void The_root_is_an_object(string json) => TestWorkspace.Compose(json).Fault(FaultCodes.WrongType, "object");

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_taken()
    {
        var json = "\uFEFF// first\n" + TestWorkspace.Valid.Replace("\"prompts\"", "/* between */ \"prompts\"", StringComparison.Ordinal)
            .Replace("\"descent\"", "\"descent\", // last\n", StringComparison.Ordinal);
        TestWorkspace.Compose(json).Value();
    }

    public static TheoryData<string, string, string, string> Entries => new()
    {
        // code, what replaces a line of the valid file, key, words
        { FaultCodes.UnknownKey, "\"run\": { \"stepz\": 3 },", "run.stepz", "did you mean 'steps'?" },
        { FaultCodes.UnknownKey, "\"algoritm\": \"free\",", "algoritm", "did you mean 'algorithm'?" },
        { FaultCodes.UnknownKey, "\"evaluation\": { \"prompt\": \"lines\" },", "evaluation.prompt", "did you mean 'prompts'?" },
        { FaultCodes.UnknownKey, "\"sampler\": { \"id\": \"euler\", \"setting\": {} },", "sampler.setting", "did you mean 'settings'?" },
        { FaultCodes.UnknownKey, "\"sampler\": { \"id\": \"euler\", \"settings\": { \"step\": 3 } },", "sampler.settings.step", "did you mean 'steps'?" },
        { FaultCodes.UnknownKey, "\"rewards\": [\"smooth\", { \"id\": \"flat\", \"rôle\": \"train\" }],", "rewards[1].rôle", "did you mean 'role'?" },
        { FaultCodes.UnknownKey, "\"rewards\": [{ \"id\": \"smooth\", \"settings\": { \"channels\": { \"blue\": 1 } } }],", "rewards[0].settings.channels.blue", "'red'" },
        { FaultCodes.UnknownKey, "\"algorithm\": { \"id\": \"free\", \"settings\": { \"alpha\": 1 } },", "algorithm.settings.alpha", "none is known" },
        { FaultCodes.UnknownValue, "\"sampler\": { \"id\": \"euler\", \"sha256\": \"123\" },", "sampler.sha256", "'123'" },
        { FaultCodes.WrongType, "\"run\": { \"steps\": \"many\" },", "run.steps", "a whole number was expected, not 'many'" },
        { FaultCodes.WrongType, "\"run\": { \"steps\": 2.5 },", "run.steps", "2.5" },
        { FaultCodes.WrongType, "\"run\": { \"tuning\": 1 },", "run.tuning", "true or false" },
        { FaultCodes.WrongType, "\"run\": { \"name\": null },", "run.name", "a text was expected, not null" },
        { FaultCodes.WrongType, "\"run\": [],", "run", "an object was expected" },
        { FaultCodes.WrongType, "\"sampler\": 3,", "sampler", "id" },
        { FaultCodes.WrongType, "\"sampler\": { \"id\": 3 },", "sampler.id", "a text" },
        { FaultCodes.WrongType, "\"sampler\": { \"id\": \"euler\", \"settings\": [] },", "sampler.settings", "an object" },
        { FaultCodes.WrongType, "\"sampler\": { \"id\": \"euler\", \"settings\": { \"shift\": \"x\" } },", "sampler.settings.shift", "a number or null" },
        { FaultCodes.WrongType, "\"sampler\": { \"id\": \"euler\", \"settings\": { \"unbounded\": 3000000000 } },", "sampler.settings.unbounded", "Int32" },
        { FaultCodes.WrongType, "\"rewards\": {},", "rewards", "a list" },
        { FaultCodes.WrongType, "\"prompts\": { \"id\": \"lines\", \"settings\": { \"skip\": [\"a\", 4] } },", "prompts.settings.skip[1]", "a text" },
        { FaultCodes.OutOfRange, "\"run\": { \"steps\": 0 },", "run.steps", "0 is outside 1 to 10000000" },
        { FaultCodes.OutOfRange, "\"run\": { \"seed\": -1 },", "run.seed", "0 to 9223372036854775807" },
        { FaultCodes.OutOfRange, "\"run\": { \"clipNorm\": 1e999 },", "run.clipNorm", "number" },
        { FaultCodes.OutOfRange, "\"run\": { \"folder\": \"\" },", "run.folder", "at least 1" },
        { FaultCodes.OutOfRange, "\"guidance\": { \"scale\": 0.5 },", "guidance.scale", "1 to 100" },
        { FaultCodes.OutOfRange, "\"sampler\": { \"id\": \"euler\", \"settings\": { \"shift\": 11 } },", "sampler.settings.shift", "0.1 to 10" },
        { FaultCodes.OutOfRange, "\"rewards\": [{ \"id\": \"smooth\", \"settings\": { \"channels\": { \"green\": 0 } } }],", "rewards[0].settings.channels.green", "0 (exclusive) to 1" },
        { FaultCodes.OutOfRange, "\"algorithm\": { \"id\": \"policy\", \"settings\": { \"groups\": [] } },", "algorithm.settings.groups", "1 to 3 entries" },
        { FaultCodes.OutOfRange, "\"rewards\": [{ \"id\": \"smooth\", \"weight\": 1e7 }],", "rewards[0].weight", "-1000000 to 1000000" },
        { FaultCodes.Duplicate, "\"run\": {}, \"run\": {},", "run", "twice" },
        { FaultCodes.Duplicate, "\"sampler\": { \"id\": \"euler\", \"id\": \"sde\" },", "sampler.id", "twice" },
        { FaultCodes.Duplicate, "\"rewards\": [\"smooth\", { \"id\": \"smooth\", \"role\": \"heldOut\" }],", "rewards[1]", "\"name\"" },
        { FaultCodes.Duplicate, "\"rewards\": [{ \"id\": \"flat\", \"name\": \"smooth\", \"role\": \"heldOut\" }, \"smooth\"],", "rewards[1]", "'smooth'" },
        { FaultCodes.MissingKey, "\"sampler\": { \"settings\": {} },", "sampler.id", "'id'" },
        { FaultCodes.MissingKey, "\"model\": \"canvas\",", "model.settings.folder", "'folder' is required: the folder of the model" },
        { FaultCodes.MissingKey, "\"model\": { \"id\": \"canvas\", \"settings\": {} },", "model.settings.folder", "'folder'" },
        { FaultCodes.UnknownValue, "\"run\": { \"dtype\": \"bflot16\" },", "run.dtype", "did you mean 'bfloat16'?" },
        { FaultCodes.UnknownValue, "\"run\": { \"device\": \"gpu\" },", "run.device", "'gpu'" },
        { FaultCodes.UnknownValue, "\"run\": { \"name\": \"../elsewhere\" },", "run.name", "'../elsewhere'" },
        { FaultCodes.UnknownValue, "\"run\": { \"name\": \"two\\n\" },", "run.name", "'two\\u000a'" },
        { FaultCodes.UnknownPlugin, "\"sampler\": \"eu\\nler\",", "sampler", "'eu\\u000aler'" },
        { FaultCodes.UnknownValue, "\"rewards\": [{ \"id\": \"smooth\", \"role\": \"heldout\" }],", "rewards[0].role", "did you mean 'heldOut'?" },
        { FaultCodes.UnknownValue, "\"algorithm\": { \"id\": \"policy\", \"settings\": { \"mode\": \"halfway\" } },", "algorithm.settings.mode", "did you mean 'half-way'?" },
        { FaultCodes.UnknownPlugin, "\"sampler\": \"eular\",", "sampler", "no plugin offers the sampler 'eular'; did you mean 'euler'?" },
        { FaultCodes.UnknownPlugin, "\"sampler\": { \"id\": \"canvas\" },", "sampler.id", "known are 'euler', 'sde'" },
        { FaultCodes.UnknownPlugin, "\"evaluation\": { \"prompts\": \"line\" },", "evaluation.prompts", "did you mean 'lines'?" },
        { FaultCodes.MissingPart, "\"sampler\": null,", "sampler", "every run has one sampler" },
        { FaultCodes.MissingPart, "\"rewards\": [],", "rewards", "at least one reward" },
        { FaultCodes.MissingPart, "\"rewards\": [{ \"id\": \"smooth\", \"role\": \"heldOut\" }],", "rewards", "heldOut" },
    };

    [Theory]
    [MemberData(nameof(Entries))]
    public void Each_fault_has_its_code_place_and_hint(string code, string entry, string key, string words)
    {
        var lines = TestWorkspace.Valid.Split('\n').ToList();
        var name = entry.Split('"')[1];
        lines.RemoveAll(line => line.TrimStart().StartsWith($"\"{name}\"", StringComparison.Ordinal));
        lines.Insert(1, $"  {entry}");

        var fault = TestWorkspace.Compose(string.Join('\n', lines)).Fault(code, words);

        Assert.Equal(key, fault.Place!.Key);
        Assert.Equal(2, fault.Place.Line);
        // The column is where the last name of the key, or the entry of a list, begins.
        var last = key.Split('.')[^1];
        var column = last.EndsWith(']') ? -1 : lines[1].LastIndexOf($"\"{last}\"", StringComparison.Ordinal) + 1;
        if (column > 0) Assert.Equal(column, fault.Place.Column);
        else Assert.InRange(fault.Place.Column, 3, lines[1].Length);
    }

    [Theory]
    [InlineData("model")]
    [InlineData("prompts")]
    [InlineData("sampler")]
    [InlineData("algorithm")]
    [InlineData("rewards")]
    [InlineData("optimizer")]
    public void Every_section_of_parts_must_be_there(string section)
    {
        var without = string.Join('\n', TestWorkspace.Valid.Split('\n').Where(line => !line.Contains($"\"{section}\":", StringComparison.Ordinal))).Replace(",\n}", "\n}", StringComparison.Ordinal);
        var fault = TestWorkspace.Compose(without).Fault(FaultCodes.MissingPart, $"'{section}'");
        Assert.Equal(4, fault.ExitCode);
    }

    [Fact]
    public void Of_several_faults_the_first_in_the_file_is_told()
    {
        var json = TestWorkspace.Valid.Replace("{\n  \"model\"", "{\n  \"run\": { \"steps\": 0 },\n  \"zzz\": 1,\n  \"model\"", StringComparison.Ordinal);
        TestWorkspace.Compose(json).Fault(FaultCodes.OutOfRange, "run.steps");
    }

    [Fact]
    public void A_device_that_is_not_there_is_a_fault()
    {
        // No machine has 9999 devices.
        TestWorkspace.Compose(TestWorkspace.Valid, "run.device=cuda:9999").Fault(FaultCodes.DeviceNotAvailable, "cuda:9999", "--set");
    }
}
