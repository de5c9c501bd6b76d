using LeapAlign.Host.Runs;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>Which runs draw the same samples before their first update.</summary>
public sealed class FirstPolicyTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);

    public FirstPolicyTests()
    {
        Directory.CreateDirectory(Model);
        File.WriteAllText(Path.Combine(Model, "config.json"), "{}");
        File.WriteAllBytes(Path.Combine(Model, "weights.safetensors"), [1, 2, 3]);
    }

    private string Model => Path.Combine(_workspace.Folder, "m");

    [Fact]
    public void The_digest_is_of_the_content_and_not_of_the_place()
    {
        var before = Digest();
        Directory.Move(Model, Path.Combine(_workspace.Folder, "moved"));
        Assert.Equal(before, Digest("model.settings.folder=moved"));
        Directory.Move(Path.Combine(_workspace.Folder, "moved"), Model);
        File.WriteAllText(Path.Combine(Model, "README.md"), "a card");
        Assert.Equal(before, Digest());
        File.WriteAllBytes(Path.Combine(Model, "weights.safetensors"), [1, 2, 4]);
        Assert.NotEqual(before, Digest());
    }

    [Fact]
    public void The_name_of_a_file_and_other_settings_of_the_model_are_part_of_it()
    {
        var before = Digest();
        Assert.NotEqual(before, Digest("model.settings.size=16"));
        File.Move(Path.Combine(Model, "config.json"), Path.Combine(Model, "other.json"));
        Assert.NotEqual(before, Digest());
    }

    [Fact]
    public void An_adapter_that_begins_changes_nothing_and_seeds_and_steps_are_no_part_of_it()
    {
        var before = Digest();
        Assert.Equal(before, Digest("adapter=narrow"));
        Assert.Equal(before, Digest("run.seed=7", "run.steps=3"));
    }

    public void Dispose() => _workspace.Dispose();

    private string Digest(params string[] overrides) => FirstPolicy.Origin(_workspace.Compose(overrides).Value(), new([1, 2, 2], 4)).Weights;
}
