using System.Net;
using LeapAlign.Host.Commands;
using PuppeteerSharp;
using PuppeteerSharp.Input;

namespace LeapAlign.Integration.Tests.Live;

/// <summary>The live page of runs under way, in a real browser.</summary>
public sealed class LivePageTests(WatchedRuns runs) : IClassFixture<WatchedRuns>
{
    // The step of the last evaluation, as the table of rewards has it.
    private const string Evaluated = "Number(document.querySelectorAll('[data-table=rewards] tbody tr:first-child data')[3].value)";

    [Fact]
    public async Task It_keeps_up_with_the_run_of_another_process_and_leaves_its_reader_alone()
    {
        await using var page = await LivePage.Open(runs.Watch.Address);
        await page.Until("Number(document.querySelector('#step')?.max) > 0");
        await page.Until("document.querySelector('[data-chart=loss]').plot.data[0].length > 2");
        await page.Page.ClickAsync("[data-chart=loss] summary");
        // A key that meets the page while it is redrawn is pressed again, as a reader does; what he has reached must stay.
        for (var time = 0; time < 20 && await page.Of<string>("document.querySelector('.slider output').textContent") != "step 0"; time++)
        {
            await page.Page.FocusAsync("#step");
            await page.Page.Keyboard.PressAsync(Key.Home);
        }
        await page.Of<object?>("document.querySelector('[data-table=settings] .scroll').scrollTop = 60, document.querySelector('#training').scrollIntoView(), window.kept = document.querySelector('[data-chart=loss]'), null");
        // As dragging over a chart does: all but the last step.
        await page.Of<object?>("window.steps = window.kept.plot.data[0], window.kept.plot.setScale('x', { min: window.steps[0], max: window.steps.at(-1) - 1 }), null");
        // Where it stands on the screen: what is above may take a line more or less, and the browser scrolls by as much.
        const string seen = "window.kept.getBoundingClientRect().top";
        var (stood, evaluated) = (await page.Of<double>(seen), await page.Of<int>(Evaluated));
        await page.Advances();
        await page.Until($"{Evaluated} > {evaluated}");
        Assert.Equal("step 0", await page.Of<string>("document.querySelector('.slider output').textContent"));
        Assert.Equal("step", await page.Of<string>("document.activeElement.id"));
        Assert.Equal(60, await page.Of<int>("document.querySelector('[data-table=settings] .scroll').scrollTop"));
        Assert.Equal(stood, await page.Of<double>(seen), 2.0);
        Assert.True(await page.Of<bool>("window.kept === document.querySelector('[data-chart=loss]') && window.kept.querySelector('details').open"));
        Assert.True(await page.Of<bool>("window.kept.plot.scales.x.min === window.steps[0] && window.kept.plot.scales.x.max === window.steps.at(-1) - 1"));
        Assert.True(await page.Of<bool>("window.kept.plot.data[0].length > window.steps.length"));
        Assert.True(await page.Of<bool>("window.kept.querySelectorAll('details tbody tr').length === window.kept.plot.data[0].length"));
        // Who looks at the newest pictures goes on to newer ones.
        await page.Page.Keyboard.PressAsync(Key.End);
        var newest = await page.Of<string>("document.querySelector('.slider output').textContent");
        await page.Until($"document.querySelector('.slider output').textContent !== '{newest}'");
        Assert.True(await page.Of<bool>("document.querySelector('#step').value === document.querySelector('#step').max"));
        page.AssertQuiet();
        if (Environment.GetEnvironmentVariable("LEAPALIGN_SCREENSHOTS") is { Length: > 0 } folder) await page.Page.ScreenshotAsync(Path.Combine(folder, "live.png"));
    }

    [Fact]
    public async Task Its_head_says_how_far_and_how_fast_and_it_is_the_report_in_light_and_dark()
    {
        await using var page = await LivePage.Open(runs.Watch.Address);
        Assert.Matches(@"^running step [0-9]+ of 2000 [0-9.]+ s a step [0-9a-z ]+ left last heard from [0-9]+ s ago$", await page.Of<string>("document.querySelector('#live p').textContent"));
        Assert.Equal("connected", await page.Of<string>("document.querySelector('[data-live=link]').textContent"));
        Assert.Equal("running", await page.Of<string>("document.querySelector('.chip').textContent"));
        foreach (var section in new[] { "rewards", "pictures", "training", "measurements", "time", "settings" }) Assert.True(await page.Of<bool>($"document.getElementById('{section}') !== null"));
        var light = await page.Of<string>("getComputedStyle(document.body).backgroundColor");
        await page.Page.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = "dark" }]);
        await page.Advances();
        Assert.NotEqual(light, await page.Of<string>("getComputedStyle(document.body).backgroundColor"));
        page.AssertQuiet();
    }

    [Fact]
    public async Task Nobody_without_its_address_sees_anything()
    {
        using var client = new HttpClient();
        var own = new Uri(runs.Watch.Address);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(own)).StatusCode);
        foreach (var path in new[] { "/", "/data", "/events", "/token/data" }) Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri(own, path))).StatusCode);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, own);
        rebound.Headers.Host = $"attacker.example:{own.Port}";
        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(rebound)).StatusCode);
    }

    [Fact]
    public void A_run_that_nobody_asked_to_show_has_no_server_in_it()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("the list of loaded files is of Linux");
        const string server = @"Microsoft\.AspNetCore\.[A-Za-z.]+\.dll";
        Assert.DoesNotMatch(server, File.ReadAllText($"/proc/{runs.Run.Id}/maps"));
        Assert.Matches(server, File.ReadAllText($"/proc/{runs.Watch.Id}/maps"));
    }

    [Fact]
    public async Task Train_shows_itself_to_the_end_and_stops_as_without_a_page()
    {
        using var workspace = new Workspace();
        using var train = StartedHost.Start(workspace, "step 1/", BuiltHost.Program, "train", "--dashboard", "--set", "run.steps=2000", "--set", "evaluation.every=0");
        train.ReadAlong();
        await using var page = await LivePage.Open(train.Address);
        await page.Advances();
        page.AssertQuiet();
        var taken = workspace.Leapalign("train", "--name", "second", "--dashboard", $"{new Uri(train.Address).Port}");
        Assert.Equal(2, taken.ExitCode);
        Assert.Matches(@"^error LA1009: command line: the live page cannot have port [0-9]+ of 127\.0\.0\.1: another program has it", taken.Error);
        Assert.False(Directory.Exists(workspace.At("runs", "second")));

        var outcome = await train.Interrupt();
        Assert.Equal(130, outcome.ExitCode);
        Assert.Equal("stopping after this step; once more stops at once", outcome.Error.Trim());
        await page.Until("document.querySelector('[data-live=link]').textContent.startsWith('the program has ended')");
        Assert.Equal("interrupted", await page.Of<string>("document.querySelector('[data-live=state]').textContent"));
        Assert.Equal("interrupted", await page.Of<string>("document.querySelector('.chip').textContent"));
        var done = File.ReadLines(workspace.At("runs", "small", "metrics.jsonl")).Count(static line => line.Contains("\"kind\":\"step\"", StringComparison.Ordinal));
        Assert.Equal((done, done), (await page.Step(), await page.Drawn()));
    }

    [Fact]
    public async Task The_second_Ctrl_C_ends_a_run_with_a_page_at_once()
    {
        using var workspace = new Workspace();
        string[] longSteps = ["--set", "run.batch=16", "--set", "sampler.settings.steps=50", "--set", "evaluation.every=-1"];
        using var train = StartedHost.Start(workspace, "http://", [BuiltHost.Program, "train", "--dashboard", .. longSteps]);
        train.ReadAlong();
        // Before a step and between two a first signal ends the run at once. One takes seconds.
        await train.IsIn(step: 1);
        await train.Signal();
        await train.Says("once more stops at once");
        // What comes sooner is the same request.
        await Task.Delay(Interruption.Same * 1.2);
        var outcome = await train.Interrupt();
        Assert.Equal(130, outcome.ExitCode);
        // What ends at once cannot say so itself: the witness does.
        Assert.Matches(@"\Astopping after this step; once more stops at once\nerror LA5015: \S+: [^\n]+\(SIGINT\)[^\n]+\n\z", outcome.Error);
        Assert.False(Directory.Exists(workspace.At("runs", "small", "export")));
    }

    [Fact]
    public async Task Ctrl_C_ends_watching_and_the_page_says_that_it_hears_no_more()
    {
        using var watch = StartedHost.Start(runs.Workspace, "watching ", BuiltHost.Program, "watch", Path.Combine("runs", "long"), "--port", "0");
        await using var page = await LivePage.Open(watch.Address);
        var outcome = await watch.Interrupt();
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        await page.Until("document.querySelector('[data-live=link]').textContent.startsWith('connection lost')");
        Assert.True(await page.Drawn() > 0);
    }
}
